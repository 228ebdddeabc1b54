"""This system as a contender: accept, release, claim, send and record, with events and logs on."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil
from celery import Celery

from benchmarks.cores import OTHER_CORES, python, running
from benchmarks.load import Task, write_csv
from benchmarks.quota import cpu_quota
from benchmarks.race import Run, measure
from benchmarks.servers import Stub
from config.settings import Settings
from ledger.campaigns import ensure_campaign
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from producers.blast import blast
from producers.freezing import Freezer
from producers.source import ErrorsFile, ReadOptions, Source

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing

_CAMPAIGN = "bench"
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_READY_SECONDS = 60.0


def run(
    folder: Path,
    stub: Stub,
    task: Task,
    count: int,
    *,
    ledger_url: str,
    children: int,
    worker_cores: list[int],
    core_share: float = 1.0,
    watched: Callable[[psutil.Process], AbstractContextManager[object]] = nullcontext,
    settings: Mapping[str, str] = _NO_SETTINGS,
    tracing: "Tracing | None" = None,
) -> Run:
    """Issue a blast of `count` rows.

    Args:
        folder: for logs and the embedded state.
        stub: the API.
        task: broker, endpoint and concurrent calls of all children.
        count: rows.
        ledger_url: an empty database; "" for SQLite in a new folder.
        children: processes of the worker.
        worker_cores: cores for the worker.
        core_share: share of each core that the worker may use.
        settings: further variables of every process.
        tracing: makes the spans of acceptance; None: the jobs are not traced.
        watched: entered with the worker once it is up, left once all outcomes are recorded.

    Raises:
        NoQuotaError: a share below 1 needs control groups.
    """
    home = Path(mkdtemp(prefix="home-", dir=folder))
    environment = process_environment(
        home, task, ledger_url or f"sqlite:///{home / 'ledger.db'}", children
    ) | dict(settings)
    with Ledger(environment["ISSUANCE_LEDGER_URL"]) as ledger, ExitStack() as stack:
        ledger.migrate()
        _accept(ledger, home, task, count, tracing)
        start = _starter(home, environment)
        group = (
            stack.enter_context(cpu_quota(core_share * len(worker_cores)))
            if core_share < 1
            else None
        )
        worker = stack.enter_context(start("worker", worker_cores, group))
        _await_worker(task.broker_url)
        stack.enter_context(start("release", OTHER_CORES))
        stack.enter_context(start("beat", OTHER_CORES))
        with watched(worker):
            return measure(
                stub, worker, count, is_recorded=lambda: not balance(ledger, _CAMPAIGN).unsettled
            )


def _starter(
    home: Path, environment: dict[str, str]
) -> Callable[..., AbstractContextManager[psutil.Process]]:
    @contextmanager
    def start(name: str, cores: list[int], group: Path | None = None) -> Iterator[psutil.Process]:
        command = python("console", "run", name)
        log = home / f"{name}.log"
        with running(
            command, cores=cores, environment=environment, log=log, group=group
        ) as process:
            yield process

    return start


def process_environment(home: Path, task: Task, ledger_url: str, children: int) -> dict[str, str]:
    """The environment of every process of the system."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    return clean | {
        "ISSUANCE_HOME": str(home),
        "ISSUANCE_LEDGER_URL": ledger_url,
        "ISSUANCE_BROKER_URL": task.broker_url,
        "ISSUANCE_API_URL": task.api_url,
        "ISSUANCE_API_VARIANT": task.variant.value,
        "ISSUANCE_API_RATE_PER_MINUTE": "0",
        "ISSUANCE_API_MAX_CONCURRENT": str(max(1, task.in_flight // children)),
        "ISSUANCE_WORKERS": str(children),
        "ISSUANCE_LOG_FORMAT": "json",
    }


def _accept(ledger: Ledger, home: Path, task: Task, count: int, tracing: "Tracing | None") -> None:
    path = home / "bench.csv"
    write_csv(path, count)
    settings = Settings(_env_file=None, api_variant=task.variant)
    with ErrorsFile(home / "errors.csv") as errors:
        source = Source(path, ReadOptions())
        into = ensure_campaign(ledger, _CAMPAIGN)
        report = blast(
            ledger,
            into,
            source,
            Freezer.of_settings(settings),
            errors,
            tracing=tracing,
            on_batch=lambda _: None,
        )
    if report.accepted != count:
        raise RuntimeError(
            f"{report.accepted} of {count} rows were accepted: {home / 'errors.csv'}"
        )


def _await_worker(broker_url: str) -> None:
    """Wait until the worker replies, so that its start is not measured."""
    until = time.monotonic() + _READY_SECONDS
    with Celery("issuance", broker=broker_url) as app:
        app.conf.broker_transport_options = {"global_keyprefix": "issuance:"}
        while not app.control.ping(timeout=0.3):
            if time.monotonic() > until:
                raise TimeoutError("The worker did not start; see worker.log")
