"""A collector of traces: takes OTLP over HTTP, and decodes it with OpenTelemetry's own messages."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Span:
    """A span as the collector got it."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it is the first of its trace."""
    start_ns: int
    end_ns: int
    kind: int
    attributes: Mapping[str, Any]
    is_error: bool
    service: str


class Collector:
    """A collector on a free port of the loopback interface.

    Args:
        hangs: it takes connections and never answers, until it is closed.
    """

    def __init__(self, *, hangs: bool = False) -> None:
        self.raw: list[bytes] = []
        """The bodies of all requests."""
        self.requests = threading.Semaphore(0)
        """Released by each request that arrives."""
        self._spans: list[Span] = []
        self._hangs = hangs
        self._closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to send its spans here."""
        return {
            "ISSUANCE_TRACING": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def spans(self) -> list[Span]:
        """All spans until now, by their start."""
        return sorted(self._spans, key=lambda span: span.start_ns)

    def of(self, request_id: str, name: str | None = None) -> list[Span]:
        """Return the spans of a reward, by their start."""
        found = [s for s in self.spans if s.attributes["issuance.request_id"] == request_id]
        return [span for span in found if name in (None, span.name)]

    def _take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                self._spans += [_span(span, str(about["service.name"])) for span in scope.spans]
        self.raw.append(body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.release()
                if collector._hangs:
                    collector._closed.wait()
                    self.close_connection = True
                    return
                assert self.path == "/v1/traces"
                collector._take(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _span(span: Message, service: str) -> Span:
    assert not span.events, "no span has events: an exception's message may name a customer"
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.kind,
        _values(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
