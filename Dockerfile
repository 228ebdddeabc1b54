# The image of every process; `--target simulator` builds the one of the simulated rewards API.
# Give the digest that you have tested: --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:… (or
# PYTHON_IMAGE in .env for compose). See "Base images" in docs/how-to/deploy.md.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS packages
# requirements-otel.lock adds OpenTelemetry, see docs/how-to/see-traces.md.
ARG LOCK=requirements.lock
WORKDIR /src
COPY requirements.lock requirements-otel.lock requirements-uv.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
        -r requirements-uv.lock \
    && python -m venv --without-pip /opt/issuance \
    && uv pip install --python /opt/issuance/bin/python --no-cache --compile-bytecode \
        --require-hashes -r ${LOCK}
COPY LICENSE README.md pyproject.toml ./

FROM packages AS build
COPY broker broker
COPY charts charts
COPY config config
COPY console console
COPY files files
COPY issuance issuance
COPY ledger ledger
COPY limiter limiter
COPY operations operations
COPY producers producers
COPY rewards_api rewards_api
COPY web web
COPY worker worker
RUN uv pip install --python /opt/issuance/bin/python --no-cache --compile-bytecode --no-deps \
        --no-build-isolation .

FROM packages AS build-simulator
COPY simulator simulator
RUN uv pip install --python /opt/issuance/bin/python --no-cache --compile-bytecode --no-deps \
        --no-build-isolation .

# Without uv, pip's caches and the sources. The user's number is fixed, so that files and volumes can
# be given to it.
FROM ${PYTHON_IMAGE} AS base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/issuance --create-home issuance
ENV PATH=/opt/issuance/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/issuance
USER 10001:10001

FROM base AS simulator
COPY --from=build-simulator /opt/issuance /opt/issuance
ENTRYPOINT ["python", "-P", "-m", "simulator", "--host", "0.0.0.0", "--port", "8080"]

FROM base AS issuance
COPY --from=build /opt/issuance /opt/issuance
ENV ISSUANCE_HOME=/var/lib/issuance ISSUANCE_LOG_FORMAT=json
ENTRYPOINT ["issuance"]
