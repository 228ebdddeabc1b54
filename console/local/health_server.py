"""`issuance run health`: the checkup over HTTP, for probes of orchestrators and monitors."""

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

from operations.errors import UsageError
from operations.health.checks import examinations
from operations.health.checkup import PART_SECONDS, Part, Report, examine, read_parts
from operations.services import Services

log = structlog.get_logger("issuance.health")

_FRESH_SECONDS = 2.0
"""Several probes at once, and impatient ones, share one checkup."""


class Checkups:
    """Checkups that are asked for by many, one at a time for each choice of parts, and shared for a moment.

    Args:
        check: makes one.
        clock: seconds that never go back.
    """

    def __init__(
        self, check: Callable[[Iterable[Part]], Report], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[frozenset[Part], tuple[float, Report]] = {}

    def report(self, parts: Iterable[Part]) -> Report:
        """What the latest checkup found, when it is fresh; else make one."""
        chosen = frozenset(parts)
        with self._lock:
            made = self._made.get(chosen)
            if made is not None and self._clock() - made[0] <= _FRESH_SECONDS:
                return made[1]
            report = self._check(chosen)
            if made is None or made[1].healthy != report.healthy:
                log.log(
                    logging.INFO if report.healthy else logging.ERROR,
                    "health",
                    healthy=report.healthy,
                    found=report.lines(),
                )
            self._made[chosen] = (self._clock(), report)
            return report


class ProbeServer(ThreadingHTTPServer):
    """Answers `/livez` (this process is alive) and `/healthz` (the system does its work; `?only=PART,…`).

    Args:
        address: host and port; port 0 is a free one.
        checkups: what `/healthz` tells.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], checkups: Checkups) -> None:
        super().__init__(address, _Handler)
        self.checkups = checkups


class _Handler(BaseHTTPRequestHandler):
    server: ProbeServer
    timeout = 10

    def do_GET(self) -> None:
        """Answer a probe."""
        url = urlsplit(self.path)
        if url.path == "/livez":
            self._answer(HTTPStatus.OK, {"alive": True})
        elif url.path == "/healthz":
            self._tell_health(",".join(parse_qs(url.query).get("only", [])))
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "ask for /livez or /healthz"})

    def do_HEAD(self) -> None:
        """Answer a probe that only wants the status."""
        self.do_GET()

    def _tell_health(self, only: str) -> None:
        try:
            report = self.server.checkups.report(read_parts(only))
        except UsageError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._answer(
            HTTPStatus.OK if report.healthy else HTTPStatus.SERVICE_UNAVAILABLE, report.as_json()
        )

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = to_json(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the signature of the standard library
        """Say it in the log's own form."""
        log.debug("probed", request=format % args)


def serve_probes(services: Services) -> None:
    """Answer probes until the process is told to end.

    Raises:
        OSError: the address cannot be listened on.
    """

    def check(parts: Iterable[Part]) -> Report:
        return examine(examinations(services), parts, part_seconds=PART_SECONDS)

    # A request to end is the normal end, wherever it comes in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = services.settings
    with ProbeServer((settings.health_host, settings.health_port), Checkups(check)) as server:
        log.info("answering probes", host=settings.health_host, port=server.server_port)
        server.serve_forever()
