"""Spans of rewards: started with a parent that another process has stored, ended with a result."""

import atexit
import os
import threading
from collections.abc import Mapping
from typing import Literal

import structlog
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from issuance.trace_context import TraceContext
from operations.tracing.provider import Ids

Value = str | int | tuple[str, ...]
Attributes = Mapping[str, Value | None]
"""None: the span does not have the attribute. Ids, counts and words of ours; no text of the API."""

CLOSE_SECONDS = 3.0
"""The longest wait for the collector when a process ends."""
_NAMESPACE = "issuance."
_KINDS = {
    "inside": SpanKind.INTERNAL,
    "accepts": SpanKind.PRODUCER,
    "handles": SpanKind.CONSUMER,
    "calls": SpanKind.CLIENT,
}

log = structlog.get_logger("issuance.tracing")


class Span:
    """A span that has begun. If it is never ended, it is not exported."""

    __slots__ = ("_span", "context")

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        found = span.get_span_context()
        self.context = TraceContext(
            f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled
        )

    @property
    def is_recorded(self) -> bool:
        """Whether it is exported; False: the sampler decided against it."""
        return self._span.is_recording()

    def end(
        self,
        end_ns: int | None = None,
        *,
        attributes: Attributes | None = None,
        error: str | None = None,
    ) -> None:
        """End it.

        Args:
            end_ns: since the epoch; None: now.
            attributes: further ones.
            error: why it failed, in words of ours; None: it did not.
        """
        for name, value in (attributes or {}).items():
            if value is not None:
                self._span.set_attribute(_full(name), value)
        if error is not None:
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end(end_ns)


class Tracing:
    """Makes the spans of this process. Safe to use from several threads.

    Spans are exported in the background. When the queue is full, because the collector is slow or
    away, new spans replace older ones: no call waits.

    Args:
        provider: used by nothing else.
        ids: the provider's.
    """

    def __init__(self, provider: TracerProvider, ids: Ids) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer("reward-issuance")
        self._ends = threading.Event()
        self._ended = threading.Event()
        self._process_id = os.getpid()
        # Started now: while the interpreter ends, no thread can start.
        threading.Thread(target=self._end_provider, name="issuance-traces", daemon=True).start()
        atexit.register(self.close)

    def start(
        self,
        name: str,
        *,
        parent: TraceContext | None,
        start_ns: int | None = None,
        kind: Literal["inside", "accepts", "handles", "calls"] = "inside",
        attributes: Attributes,
        span_id: str | None = None,
    ) -> Span:
        """Start a span.

        Args:
            name: one of few.
            parent: None: a new trace begins, if the sampler wants it.
            start_ns: since the epoch; None: now.
            kind: what it is for other services.
            attributes: see `Attributes`.
            span_id: 16 hexadecimal digits; None: a random one.
        """
        given = {_full(key): value for key, value in attributes.items() if value is not None}
        if span_id is not None:
            self._ids.plan(int(span_id, 16))
        return Span(
            self._tracer.start_span(
                name, _context(parent), _KINDS[kind], given, start_time=start_ns
            )
        )

    def close(self, within_seconds: float = CLOSE_SECONDS) -> bool:
        """Export what has ended, and end; False if the collector did not take it in time."""
        atexit.unregister(self.close)
        if os.getpid() != self._process_id:
            return True  # a fork: its parent exports
        self._ends.set()
        if not self._ended.wait(within_seconds):
            log.warning("traces_abandoned", seconds=within_seconds)
            return False
        return True

    def _end_provider(self) -> None:
        self._ends.wait()
        try:
            self._provider.shutdown()
        finally:
            self._ended.set()


def _full(name: str) -> str:
    """Return an attribute's whole name: ours get a prefix, the standard's have theirs."""
    return name if "." in name else _NAMESPACE + name


def _context(parent: TraceContext | None) -> Context:
    # An empty context, not None: a span of the calling thread is no parent of ours.
    if parent is None:
        return Context()
    remote = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT),
    )
    return set_span_in_context(NonRecordingSpan(remote), Context())
