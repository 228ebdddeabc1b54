"""`python -m benchmarks.traces`: what traces cost a worker, compared with none, in one run.

The same blast is issued in rounds: without traces, with one reward in a hundred traced, and with
all. Spans go over HTTP to a collector on this machine that reads and forgets them. The CPU of the
worker is compared; its speed, too, but that depends on what else the machine does.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

from benchmarks import this_system
from benchmarks.cores import OTHER_CORES, WORKER_CORES
from benchmarks.load import IN_FLIGHT, Task
from benchmarks.race import Run
from benchmarks.servers import Stub, broker, stub_api, url_of
from config.logs import configure_logs
from config.settings import Settings
from issuance.endpoint import Variant
from operations.tracing.opening import open_tracing

_LATENCY_MS = 50
_CHILDREN = 2
RATIOS: Mapping[str, float | None] = {"none": None, "1 in 100": 0.01, "all": 1.0}
"""Variant → the share of rewards that are traced; None: tracing is off."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8_000, help="rewards of each run")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each variant")
    options = parser.parse_args()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    os.sched_setaffinity(0, OTHER_CORES)
    runs: dict[str, list[Run]] = {name: [] for name in RATIOS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="issuance-traces-")))
        stub = stack.enter_context(stub_api(folder))
        server = stack.enter_context(broker(folder))
        sink = stack.enter_context(_sink())
        task = Task(stub.url, url_of(server), IN_FLIGHT[_LATENCY_MS], Variant.BULK)
        for _ in range(options.rounds):
            for name, ratio in RATIOS.items():
                server.flushall()
                runs[name].append(_run(folder, stub, task, options.rows, _settings(sink, ratio)))
    print("| traced | CPU of the worker, µs per reward | added | rewards/s |")
    print("| --- | --- | --- | --- |")
    for name, found in runs.items():
        added = [run.cpu_us - none.cpu_us for run, none in zip(found, runs["none"], strict=True)]
        print(
            f"| {name} | {median(run.cpu_us for run in found):,.0f} "
            f"| {median(added):,.0f} ({min(added):,.0f} to {max(added):,.0f}) "
            f"| {median(run.per_second for run in found):,.0f} |"
        )


def _settings(sink: str, ratio: float | None) -> dict[str, str]:
    if ratio is None:
        return {}
    return {
        "ISSUANCE_TRACING": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(ratio),
        "NO_PROXY": "127.0.0.1",
    }


def _run(folder: Path, stub: Stub, task: Task, rows: int, settings: dict[str, str]) -> Run:
    stub.reset(_LATENCY_MS)
    with _set(settings):
        tracing = open_tracing("otlp") if settings else None
        try:
            return this_system.run(
                folder,
                stub,
                task,
                rows,
                ledger_url="",
                children=_CHILDREN,
                worker_cores=WORKER_CORES,
                settings=settings,
                tracing=tracing,
            )
        finally:
            if tracing is not None:
                tracing.close()


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, which accepts the rows."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Forgets(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the library's name
        """Read the spans, and answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _sink() -> Iterator[str]:
    """Run a collector; yields its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forgets) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main()
