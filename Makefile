# Everything a person does here, one line each: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# uv does not read pip's configuration; a machine behind a mirror has set it up for pip.
INDEX = $(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null)
CERT = $(or $(SSL_CERT_FILE),$(PIP_CERT))
UV_ENV = $(if $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(INDEX)),UV_DEFAULT_INDEX=$(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(INDEX))) $(if $(CERT),SSL_CERT_FILE=$(CERT)) UV_NO_PROGRESS=1

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.runtime ## Make .venv with exactly the locked packages; leaves .venv/bin/issuance

demo: $(BIN)/.runtime ## Run the main job by itself to its end, on embedded parts (about a minute)
	@$(BIN)/issuance demo

test: $(BIN)/.dev ## All tests, on real brokers, databases and processes
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 tests/unit --cov --cov-report=term:skip-covered
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile tests/contract tests/integration
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e tests/chaos

matrix: $(BIN)/.dev ## Blasts in every reading of the API: 36 of them, three endpoints each (about 5 minutes)
	@ISSUANCE_TEST_MATRIX=full $(BIN)/python -m pytest tests/e2e/test_matrix.py

chaos: $(BIN)/.dev ## Every fault, in many rounds, on each ledger and broker, with a table (CHAOS="--help" lists options)
	@$(BIN)/python -m tests.chaos $(CHAOS)

defences: $(BIN)/.dev ## Each hazard's test without its defence, which has to fail (DEFENCES="--help" lists options)
	@$(BIN)/python -m tests.chaos.defences $(DEFENCES)

soak: $(BIN)/.dev ## Half an hour of blasts with random faults, and whether memory grows (SOAK="--help" lists options)
	@$(BIN)/python -m tests.chaos.soak $(SOAK)

bench: $(BIN)/.bench ## Speed beside peers, promises, costs and scale, into docs/benchmarks.md (BENCH="--help" lists options)
	@$(BIN)/python -m benchmarks $(BENCH)

limiter: $(BIN)/.bench ## The limiter against models of APIs in virtual time, into docs/limiter.md (about two minutes; LIMITER="--help")
	@$(BIN)/python -m benchmarks.limiter $(LIMITER)

profile: $(BIN)/.bench ## Where the CPU of an issuance goes, by py-spy (PROFILE="--help" lists options)
	@$(BIN)/python -m benchmarks.cpu_profile $(PROFILE)

check: $(BIN)/.dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.dev ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(UV) ## Make the lock files anew from pyproject.toml
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded pyproject.toml -o requirements.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded --extra bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

clean: ## Remove .venv, caches and the embedded state
	rm -rf .venv .issuance .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(BIN)/.runtime: $(UV) requirements.lock pyproject.toml
	@$(UV_ENV) $(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV_ENV) $(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.runtime requirements-dev.lock
	@$(UV_ENV) $(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(BIN)/.bench: $(BIN)/.runtime requirements-bench.lock
	@$(UV_ENV) $(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-bench.lock
	@touch $@

.PHONY: help setup demo test matrix chaos defences soak bench limiter profile check format lock clean
