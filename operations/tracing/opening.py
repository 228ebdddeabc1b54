"""Begins tracing, if the settings ask for it: OpenTelemetry is imported here, on first use."""

from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing

TracesTo = Literal["off", "otlp", "console"]

log = structlog.get_logger("issuance.tracing")


def open_tracing(to: TracesTo) -> "Tracing | None":
    """Return what makes spans in this process; None if tracing is off, or cannot begin.

    The standard `OTEL_*` variables configure it. What is wrong with them is logged: it must not
    stop the work.

    Args:
        to: where spans go.
    """
    if to == "off":
        return None
    try:
        from operations.tracing.provider import make_provider  # noqa: PLC0415  # an extra, and slow to import
        from operations.tracing.spans import Tracing  # noqa: PLC0415

        return Tracing(*make_provider(to))
    except Exception:
        log.exception("tracing_unavailable")
        return None
