"""The OpenTelemetry provider of one process, with its exporter."""

import sys
import threading
from typing import Literal

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from config.otel import span_queue_size

_OWN = {"service.name": "reward-issuance"}


class Ids(RandomIdGenerator):
    """Makes random ids, except for a span whose id was sent to the API before it began."""

    def __init__(self) -> None:
        self._own = threading.local()

    def plan(self, span_id: int) -> None:
        """Give the next span of this thread this id."""
        self._own.span_id = span_id

    def generate_span_id(self) -> int:
        """Return the id of a new span."""
        planned: int = self._own.__dict__.pop("span_id", 0)
        return planned or super().generate_span_id()


def make_provider(to: Literal["otlp", "console"]) -> tuple[TracerProvider, Ids]:
    """Make a provider that exports in a thread of its own; `OTEL_*` variables configure it.

    It is not the global one: a process that calls `producers.enqueue` has its own.

    Raises:
        ValueError: a variable is wrong.
    """
    ids = Ids()
    provider = TracerProvider(
        # What the variables say takes precedence.
        resource=Resource.create(_OWN).merge(OTELResourceDetector().detect()),
        id_generator=ids,
        shutdown_on_exit=False,  # that would wait for a silent collector; see `Tracing.close`
    )
    exporter: SpanExporter = OTLPSpanExporter() if to == "otlp" else _console()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=span_queue_size()))
    return provider, ids


def _console() -> ConsoleSpanExporter:
    """Write spans as the log is written: one a line, to standard error."""
    return ConsoleSpanExporter(out=sys.stderr, formatter=_one_line)


def _one_line(span: ReadableSpan) -> str:
    text: str = span.to_json(indent=None)
    return text + "\n"
