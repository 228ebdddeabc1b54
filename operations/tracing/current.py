"""The caller's trace context: given, or that of the current span."""

import sys

import structlog

from issuance.trace_context import TraceContext

log = structlog.get_logger("issuance.tracing")


def caller_context(given: str | None) -> TraceContext | None:
    """Return the context that a request came with; None without one.

    Args:
        given: a `traceparent`. One that is not valid is logged and counts as none, so that the
            trace begins here. None: the current span's, if the caller uses OpenTelemetry.
    """
    if given is None:
        return _current()
    found = TraceContext.parse(given)
    if found is None:
        log.info("traceparent_ignored", length=len(given) if isinstance(given, str) else None)
    return found


def _current() -> TraceContext | None:
    # Without this module no span can be current, and a caller without traces does not load it.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return TraceContext(
        f"{found.trace_id:032x}", f"{found.span_id:016x}", bool(found.trace_flags & 0x01)
    )
