"""The system that a promise is measured on: real processes, an empty ledger, the real command."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from celery import Celery
from redis import Redis

from benchmarks.cores import OTHER_CORES, WORKER_CORES, python, running
from benchmarks.load import write_csv
from benchmarks.servers import Stub, url_of
from config.endpoints import Servers
from config.settings import Settings
from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from producers.blast import blast
from producers.freezing import Freezer
from producers.producer import Producer
from producers.source import ErrorsFile, ReadOptions, Source

if TYPE_CHECKING:
    import psutil

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.005
_CORES = [*WORKER_CORES, *OTHER_CORES]


class BrokenPromiseError(Exception):
    """An awaited event did not happen at all."""


@dataclass(frozen=True)
class Options:
    """How the system is set up."""

    rate_per_minute: int = 0
    workers: int = 1
    """Worker processes for blasts."""
    children: int = 2
    """Per worker."""
    background: bool = False
    max_concurrent: int = 100
    """Concurrent calls of one child."""


@dataclass(frozen=True)
class Timing:
    """Start and end of a command, in seconds of the monotonic clock."""

    began: float
    ended: float


class System:
    """One running system; see `started`."""

    def __init__(
        self, home: Path, environment: dict[str, str], ledger: Ledger, stub: Stub, broker: Redis
    ) -> None:
        self._environment = environment
        self.home = home
        self.ledger = ledger
        self.stub = stub
        self.broker = broker
        self.processes: dict[str, psutil.Process] = {}
        """By name; the last one of several workers."""
        self._customers = 0

    def accept(self, campaign: str, rows: int, *, reward_id: int) -> None:
        """Accept, in this process, a campaign of customers that no other campaign has."""
        file = self.write_file(campaign, rows, reward_id=reward_id)
        with ErrorsFile(self.home / "errors.csv") as errors:
            source, into = Source(file, ReadOptions()), ensure_campaign(self.ledger, campaign)
            freezer = Freezer.of_settings(Settings(_env_file=None))
            blast(self.ledger, into, source, freezer, errors, on_batch=lambda _: None)

    def write_file(self, campaign: str, rows: int, *, reward_id: int) -> Path:
        """Write a campaign's file."""
        file = self.home / f"{campaign}.csv"
        write_csv(file, rows, reward_id=reward_id, first=self._customers)
        self._customers += rows
        return file

    def command(self, *arguments: str) -> Timing:
        """Run `issuance …` until it ends.

        Raises:
            BrokenPromiseError: it failed.
        """
        began = time.monotonic()
        done = subprocess.run(
            python("console", *arguments),
            env=self._environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BrokenPromiseError(f"issuance {' '.join(arguments)} failed: {done.stderr}")
        return Timing(began, time.monotonic())

    @contextmanager
    def begin(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `issuance …` during a measurement; it is killed at the end."""
        log = (self.home / "command.log").open("wb")
        command = python("console", *arguments)
        with (
            log,
            subprocess.Popen(
                command, env=self._environment, cwd=self.home, stdout=log, stderr=log
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def has_command(self, *arguments: str) -> bool:
        """Whether this command exists."""
        done = subprocess.run(
            python("console", *arguments, "--help"),
            env=self._environment,
            cwd=self.home,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    @contextmanager
    def producer(self) -> Iterator[Producer]:
        """The Python interface, as another service uses it."""
        settings = Settings(
            _env_file=None,
            home=self.home,
            ledger_url=self._environment["ISSUANCE_LEDGER_URL"],
            broker_url=self._environment["ISSUANCE_BROKER_URL"],
            api_url=self.stub.url,
        )
        with Producer(settings, Servers.of(settings)) as producer:
            yield producer

    def run(self, *names: str, stack: ExitStack, workers: str = "2") -> None:
        """Start processes of the system; they end with the stack."""
        for place, name in enumerate(names):
            command = python("console", "run", name)
            # Each gets its own home, or two workers would have the same name.
            environment = self._environment | {"ISSUANCE_HOME": str(self.home / f"{place}-{name}")}
            (self.home / f"{place}-{name}").mkdir()
            if name == "worker":
                command += ["--workers", workers]
            log = self.home / f"{place}-{name}.log"
            self.processes[name] = stack.enter_context(
                running(command, cores=_CORES, environment=environment, log=log)
            )


@contextmanager
def started(
    folder: Path, stub: Stub, broker: Redis, options: Options, *, ledger_url: str = ""
) -> Iterator[System]:
    """Start workers, release and beat on an empty ledger and broker, and wait for the workers."""
    with (
        prepared(folder, stub, broker, options, ledger_url=ledger_url) as system,
        ExitStack() as stack,
    ):
        start(system, options, stack)
        yield system


@contextmanager
def prepared(
    folder: Path, stub: Stub, broker: Redis, options: Options, *, ledger_url: str = ""
) -> Iterator[System]:
    """The same without processes, so that a backlog can be accepted first."""
    home = Path(mkdtemp(prefix="promise-", dir=folder))
    broker.flushall()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    environment = clean | {
        "ISSUANCE_HOME": str(home),
        "ISSUANCE_LEDGER_URL": ledger_url or f"sqlite:///{home / 'ledger.db'}",
        "ISSUANCE_BROKER_URL": url_of(broker),
        "ISSUANCE_API_URL": stub.url,
        "ISSUANCE_API_RATE_PER_MINUTE": str(options.rate_per_minute),
        "ISSUANCE_API_MAX_CONCURRENT": str(options.max_concurrent),
        "ISSUANCE_WORKERS": str(options.children),
        "ISSUANCE_LOG_FORMAT": "json",
    }
    with Ledger(environment["ISSUANCE_LEDGER_URL"]) as ledger:
        ledger.migrate()
        yield System(home, environment, ledger, stub, broker)


def start(system: System, options: Options, stack: ExitStack) -> None:
    """Start the processes, the release last, so that no figure includes the workers' start."""
    names = ["worker"] * options.workers + ["background-worker"] * options.background
    system.run(*names, stack=stack, workers=str(options.children))
    _await_workers(url_of(system.broker), len(names))
    system.run("release", "beat", stack=stack)


def _await_workers(broker_url: str, count: int) -> None:
    until = time.monotonic() + _READY_SECONDS
    with Celery("issuance", broker=broker_url) as app:
        app.conf.broker_transport_options = {"global_keyprefix": "issuance:"}
        while len(app.control.ping(timeout=0.3) or ()) < count:
            if time.monotonic() > until:
                raise BrokenPromiseError("The workers did not start; see their logs")


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Wait for a condition; returns the time it was met, in seconds of the monotonic clock.

    Raises:
        BrokenPromiseError: it was not met in time.
    """
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise BrokenPromiseError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)
    return time.monotonic()


def await_arrivals(system: System, count: int, *, seconds: float = 60.0) -> None:
    """Wait until this many calls have arrived at the stub."""
    wait_until(
        lambda: bool(system.stub.stats()["arrived"] >= count),
        seconds=seconds,
        what=f"{count} calls",
    )


Samples = dict[str, Sequence[float]]
"""Figure → its measured values."""
