FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache --compile-bytecode --require-hashes -r requirements.lock
COPY . .
RUN uv pip install --system --no-cache --compile-bytecode --no-deps --no-build-isolation . \
    && useradd --system --home-dir /var/lib/issuance --create-home issuance
USER issuance
ENV ISSUANCE_HOME=/var/lib/issuance ISSUANCE_LOG_FORMAT=json
ENTRYPOINT ["issuance"]
