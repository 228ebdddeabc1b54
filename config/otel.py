"""OpenTelemetry: whether it is installed, and the variable that has another default here."""

import os
from importlib.util import find_spec

_QUEUE = 20_000
"""OpenTelemetry's own 2,048 are fewer spans than one group of recorded rewards may have."""


def is_installed() -> bool:
    """Return whether the extra `otel` is installed; imports none of it."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def span_queue_size() -> int | None:
    """Return how many ended spans may wait for the export; None: `OTEL_BSP_MAX_QUEUE_SIZE` says."""
    return None if "OTEL_BSP_MAX_QUEUE_SIZE" in os.environ else _QUEUE
