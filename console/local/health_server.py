"""`issuance run health`: health checks and metrics over HTTP, for orchestrators and monitors."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from pydantic_core import to_json

from console.local.addresses import family_of
from console.local.metrics_page import Answer, MetricsPage
from issuance.display import printable
from operations.errors import UsageError
from operations.health.checks import checks_of
from operations.health.runner import CHECK_SECONDS, Component, Report, read_components, run_checks
from operations.metrics.scraper import Scraper
from operations.services import Services

log = structlog.get_logger("issuance.health")

_FRESH_SECONDS = 2.0
"""Probes within this time share one report."""


class Reports:
    """Makes one report at a time, and shares it among probes of the same parts for a moment.

    Args:
        check: makes a report.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        check: Callable[[Iterable[Component]], Report],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[frozenset[Component], tuple[float, Report]] = {}

    def report(self, parts: Iterable[Component]) -> Report:
        """The latest report if it is fresh, else a new one."""
        chosen = frozenset(parts)
        with self._lock:
            made = self._made.get(chosen)
            if made is not None and self._clock() - made[0] <= _FRESH_SECONDS:
                return made[1]
            report = self._check(chosen)
            if made is None or made[1].healthy != report.healthy:
                log.log(
                    logging.INFO if report.healthy else logging.ERROR,
                    "health_changed",
                    healthy=report.healthy,
                    found=report.lines(),
                )
            self._made[chosen] = (self._clock(), report)
            return report


class ProbeServer(ThreadingHTTPServer):
    """Answers `/livez` (this process is alive), `/healthz` (the system works; `?only=PART,…`).

    It answers `/metrics`, too.

    Args:
        address: host and port; port 0 chooses a free one.
        reports: what `/healthz` answers.
        metrics: what `/metrics` answers; None: there is no such page.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], reports: Reports, metrics: MetricsPage | None = None
    ) -> None:
        self.address_family = family_of(address[0])
        super().__init__(address, _Handler)
        self.reports = reports
        self.metrics = metrics


class _Handler(BaseHTTPRequestHandler):
    server: ProbeServer
    timeout = 10

    def do_GET(self) -> None:
        """Answer a probe."""
        url = urlsplit(self.path)
        if url.path == "/livez":
            self._answer(HTTPStatus.OK, {"alive": True})
        elif url.path == "/healthz":
            self._answer_health(",".join(parse_qs(url.query).get("only", [])))
        elif url.path == "/metrics" and self.server.metrics is not None:
            accept = ",".join(self.headers.get_all("Accept") or [])
            self._send(self.server.metrics.answer(self.client_address[0], url.query, accept))
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "ask for /livez, /healthz or /metrics"})

    def do_HEAD(self) -> None:
        """Answer a probe with the status only."""
        self.do_GET()

    def _answer_health(self, only: str) -> None:
        try:
            report = self.server.reports.report(read_components(only))
        except UsageError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._answer(
            HTTPStatus.OK if report.healthy else HTTPStatus.SERVICE_UNAVAILABLE, report.as_json()
        )

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = printable(to_json(content).decode()).encode()
        self._send(Answer(status, body, "application/json"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the signature of the standard library
        """Log the request as one event."""
        log.debug("probe_answered", request=format % args)


def serve_probes(services: Services) -> None:
    """Answer probes and scrapes until SIGTERM.

    Raises:
        OSError: the address cannot be listened on.
    """

    def check(parts: Iterable[Component]) -> Report:
        return run_checks(checks_of(services), parts, check_seconds=CHECK_SECONDS)

    # SIGTERM is the normal end, at any point.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = services.settings
    scraper = Scraper(services)
    metrics = MetricsPage(scraper, settings.metrics_networks)
    address = (settings.health_host, settings.health_port)
    with ProbeServer(address, Reports(check), metrics) as server:
        log.info("health_server_started", host=settings.health_host, port=server.server_port)
        scraper.start()
        server.serve_forever()
