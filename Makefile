# The project's commands; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
# Every process of a system would compile all modules again at each start.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
UV := $(BIN)/uv
# uv does not read pip's configuration, where a machine behind a mirror has its index.
INDEX = $(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null)
CERT = $(or $(SSL_CERT_FILE),$(PIP_CERT))
UV_ENV = $(if $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(INDEX)),UV_DEFAULT_INDEX=$(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(INDEX))) $(if $(CERT),SSL_CERT_FILE=$(CERT)) UV_NO_PROGRESS=1

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.runtime ## Create .venv with the locked packages and .venv/bin/issuance

demo: $(BIN)/.runtime ## Issue a sample campaign on embedded servers, about a minute (DEMO=--keep leaves them running)
	@$(BIN)/issuance demo $(DEMO)

# Each test is in one of these two (tests/unit/project/test_make_targets.py).
PYTEST = $(BIN)/python -m pytest
MANY = -n logical --maxprocesses 4

test: $(BIN)/.dev ## Tests: unit, contract, integration, a blast on each backend, some faults (a few minutes)
	@$(PYTEST) $(MANY) -m "not rest" tests/unit/issuance --cov --cov-report=term:skip-covered
	@$(PYTEST) $(MANY) -m "not rest" tests/unit tests/contract tests/integration --ignore tests/unit/issuance
	@$(PYTEST) -n 2 -m "not rest" tests/e2e tests/chaos
	@$(PYTEST) -n 2 -m "not rest" tests/browser

test-rest: $(BIN)/.dev ## The tests that `make test` leaves out: long ones, every fault, hostile APIs
	@$(PYTEST) $(MANY) -m rest tests/unit tests/contract tests/integration
	@$(PYTEST) -n 2 -m rest tests/e2e tests/chaos tests/browser

test-all: test test-rest ## All tests

matrix: $(BIN)/.dev ## Blasts in all 36 readings of the API, three endpoints each (about 5 minutes)
	@ISSUANCE_TEST_MATRIX=full $(BIN)/python -m pytest tests/e2e/test_matrix.py

chaos: $(BIN)/.dev ## Inject every fault in many rounds on each ledger and broker (CHAOS="--help" lists options)
	@$(BIN)/python -m tests.chaos $(CHAOS)

defences: $(BIN)/.dev ## Prove that each hazard's test fails without its defence (DEFENCES="--help" lists options)
	@$(BIN)/python -m tests.chaos.defences $(DEFENCES)

soak: $(BIN)/.dev ## Half an hour of blasts with random faults, watching memory (SOAK="--help" lists options)
	@$(BIN)/python -m tests.chaos.soak $(SOAK)

bench: $(BIN)/.bench ## Measure speed, promises, costs and scale, and write the page (BENCH="--help" lists options)
	@$(BIN)/python -m benchmarks $(BENCH)

limiter: $(BIN)/.bench ## Compare the limiter with others on API models, and write the page (LIMITER="--help" lists options)
	@$(BIN)/python -m benchmarks.limiter $(LIMITER)

stop-loss: $(BIN)/.dev ## Simulate campaigns under the stop-loss, and write the page (a few minutes)
	@$(BIN)/python -m benchmarks.stop_loss

web-speed: $(BIN)/.bench ## Time the web console's pages in a large ledger during a blast, and write the page (WEB_SPEED="--help" lists options)
	@$(BIN)/python -m benchmarks.web $(WEB_SPEED)

profile: $(BIN)/.bench ## Profile the CPU time of an issuance with py-spy (PROFILE="--help" lists options)
	@$(BIN)/python -m benchmarks.cpu_profile $(PROFILE)

screenshots: $(BIN)/.dev ## Take pictures of every page of the web console: build/screenshots (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots

reference: $(BIN)/.dev ## Write docs/reference/settings.md, fields.md, metrics.md and log-events.md from the code
	@$(BIN)/python -m tests.reference

check: $(BIN)/.dev ## Format, lint, types, import contracts, plain English
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m tests.language

audit: $(BIN)/.dev ## Ask for known vulnerabilities of every locked package (AUDIT="--help" lists options)
	@$(BIN)/python -m tests.audit $(AUDIT)

sbom: $(BIN)/.dev ## Write build/sbom.cdx.json: what the image contains, as CycloneDX
	@mkdir -p build
	@$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json
	@echo "written: build/sbom.cdx.json"

format: $(BIN)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(UV) ## Recompile the lock files from pyproject.toml
	echo uv | $(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 - -o requirements-uv.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded pyproject.toml -o requirements.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded --extra otel --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded --extra otel -c requirements-dev.lock pyproject.toml -o requirements-otel.lock
	$(UV_ENV) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --python-version 3.11 --extra build --extra embedded --extra otel --extra bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

clean: ## Remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

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

.PHONY: help setup demo test test-rest test-all matrix chaos defences soak bench limiter stop-loss web-speed profile screenshots reference check audit sbom format lock clean
