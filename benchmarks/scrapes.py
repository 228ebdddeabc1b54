"""What metrics cost: issuances per second with a scrape every few seconds, compared with none.

`python -m benchmarks.scrapes [--rows N] [--rounds N] [--every SECONDS] [--postgresql]` issues a
blast with and without scrapes in turn, in one run, and prints each pair, the median ratio and how
long a scrape took.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import psutil

from benchmarks import this_system
from benchmarks.cores import OTHER_CORES, WORKER_CORES, python, running
from benchmarks.load import IN_FLIGHT, Task
from benchmarks.servers import broker, new_database, postgres, stub_api, url_of
from config.logs import configure_logs
from config.settings import Settings
from console.local.addresses import free_port
from issuance.endpoint import Variant

_LATENCY_MS = 50
_START_SECONDS = 60.0


class Scrapes:
    """Scrapes the health process's page while a worker is measured.

    Args:
        environment: of the health process.
        folder: for its log.
        every_seconds: between two scrapes; None: the process runs, and nothing asks it.
    """

    def __init__(
        self, environment: Mapping[str, str], folder: Path, every_seconds: float | None
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._every_seconds = every_seconds
        self.took: list[float] = []
        """Seconds of each scrape."""

    @contextmanager
    def during(self, _worker: psutil.Process) -> Iterator[None]:
        """Scrape in the `with`."""
        port = free_port()
        environment = {**self._environment, "ISSUANCE_HEALTH_PORT": str(port)}
        log = self._folder / "health.log"
        command = python("console", "run", "health")
        url = f"http://127.0.0.1:{port}/metrics"
        with running(command, cores=OTHER_CORES, environment=environment, log=log):
            over = threading.Event()
            _await_page(url)
            if self._every_seconds is None:
                yield
                return
            thread = threading.Thread(target=self._scrape, args=(url, over, self._every_seconds))
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()

    def _scrape(self, url: str, over: threading.Event, every_seconds: float) -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            while not over.is_set():
                began = time.perf_counter()
                http.get(url).raise_for_status()
                self.took.append(time.perf_counter() - began)
                over.wait(every_seconds)


def _await_page(url: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > until:
            raise TimeoutError("The health process did not start; see health.log")
        time.sleep(0.1)


class Pairs:
    """Blasts with and without scrapes, in turn.

    Args:
        stack: ends the servers.
        options: of the command line.
    """

    def __init__(self, stack: ExitStack, options: argparse.Namespace) -> None:
        self._options = options
        self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="issuance-bench-")))
        self._stub = stack.enter_context(stub_api(self._folder))
        self._server = stack.enter_context(broker(self._folder))
        self._databases = stack.enter_context(postgres(self._folder)) if options.postgresql else ""
        self.took: list[float] = []
        """Seconds of each scrape."""

    def measure(self, number: int) -> float:
        """Measure one pair; return the speed with scrapes in terms of that without."""
        # In turn, so that a change of the machine's load touches both.
        order = (False, True) if number % 2 else (True, False)
        speeds = {scraped: self._run(scraped=scraped) for scraped in order}
        _say(
            with_scrapes=round(speeds[True]),
            without=round(speeds[False]),
            ratio=round(speeds[True] / speeds[False], 3),
        )
        return speeds[True] / speeds[False]

    def _run(self, *, scraped: bool) -> float:
        self._server.flushall()
        self._stub.reset(_LATENCY_MS)
        ledger_url = (
            new_database(self._databases)
            if self._databases
            else f"sqlite:///{self._folder / uuid4().hex}.db"
        )
        task = Task(self._stub.url, url_of(self._server), IN_FLIGHT[_LATENCY_MS], Variant.BULK)
        environment = this_system.process_environment(self._folder, task, ledger_url, 1)
        every_seconds = self._options.every if scraped else None
        scrapes = Scrapes(environment, self._folder, every_seconds)
        run = this_system.run(
            self._folder,
            self._stub,
            task,
            self._options.rows,
            ledger_url=ledger_url,
            children=1,
            worker_cores=WORKER_CORES,
            watched=scrapes.during,
        )
        self.took += scrapes.took
        return run.per_second


def main() -> None:
    """Measure pairs and print them."""
    options = _read_options()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    os.sched_setaffinity(0, OTHER_CORES)
    with ExitStack() as stack:
        pairs = Pairs(stack, options)
        ratios = [pairs.measure(number) for number in range(options.rounds)]
    _say(
        median_ratio=round(statistics.median(ratios), 3),
        scrapes=len(pairs.took),
        median_scrape_ms=round(statistics.median(pairs.took) * 1000, 1),
        longest_scrape_ms=round(max(pairs.took) * 1000, 1),
    )


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.scrapes", description=__doc__)
    parser.add_argument("--rows", type=int, default=30_000, help="rows of each blast")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of blasts")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two scrapes")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    return parser.parse_args()


def _say(**figures: float) -> None:
    sys.stdout.write(f"{json.dumps(figures)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
