"""The contenders: this system and its peers, how each is started and how many jobs it gets."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import this_system
from benchmarks.cores import OTHER_CORES, WORKER_CORES, program, python, run_to_end, running
from benchmarks.load import Task
from benchmarks.race import Run, measure
from benchmarks.servers import Stub, new_database

_THREADS = 100
_PREFORK_CHILDREN = 8


@dataclass(frozen=True)
class Place:
    """The servers and the folder of a run."""

    folder: Path
    stub: Stub
    postgres_url: str


Runner = Callable[[Place, Task, int], Run]


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    name: str
    run: Runner
    share: float
    """Its approximate speed relative to the bare script; only sizes its runs."""
    record: str = ""
    """Where it records outcomes; "" if nowhere."""
    quick: bool = False
    """Whether `--quick` runs it."""
    everywhere: bool = False
    """Whether it runs with every latency and endpoint."""


# The default; slow answers make a child wait longer at the end of its chunk, so it gets more.
_CHILDREN, _CHILDREN_FOR_SLOW, _SLOW_IN_FLIGHT = 2, 4, 400


def _ours(
    *,
    children: int | None = None,
    in_postgres: bool = False,
    cores: int = 1,
    core_share: float = 1.0,
) -> Runner:
    def run(place: Place, task: Task, count: int) -> Run:
        url = new_database(place.postgres_url) if in_postgres else ""
        worker_cores = [*WORKER_CORES, *reversed(OTHER_CORES)][:cores]
        return this_system.run(
            place.folder,
            place.stub,
            task,
            count,
            ledger_url=url,
            children=children
            or (_CHILDREN_FOR_SLOW if task.in_flight > _SLOW_IN_FLIGHT else _CHILDREN),
            worker_cores=worker_cores,
            core_share=core_share,
        )

    return run


def _bare(place: Place, task: Task, count: int) -> Run:
    return _watch(place, task, python("benchmarks.peers.bare", str(count)), count)


def _peer(module: str, command: Callable[[Task], list[str]]) -> Runner:
    """Run a peer: enqueue everything, then start its worker."""

    def run(place: Place, task: Task, count: int) -> Run:
        enqueue = python("benchmarks.peers", module, str(count))
        run_to_end(enqueue, cores=OTHER_CORES, environment=os.environ | task.environment())
        return _watch(place, task, command(task), count)

    return run


def _watch(place: Place, task: Task, command: list[str], count: int) -> Run:
    environment = os.environ | task.environment()
    log = place.folder / "peer.log"
    with running(command, cores=WORKER_CORES, environment=environment, log=log) as process:
        return measure(place.stub, process, count)


def _celery(*options: str) -> Runner:
    base = ["--app", "benchmarks.peers.celery_app", "worker", "--loglevel", "WARNING"]
    return _peer("celery_app", lambda _: python("celery", *base, *options))


def _dramatiq(launcher: str, module: str, threads: int | None = None) -> Runner:
    def command(task: Task) -> list[str]:
        many = ["--processes", "1", "--threads", str(threads or task.in_flight)]
        return program(launcher, *many, f"benchmarks.peers.{module}")

    return _peer(module, command)


def _taskiq(task: Task) -> list[str]:
    most = str(task.in_flight)
    options = [
        "--workers",
        "1",
        "--max-async-tasks",
        most,
        "--max-prefetch",
        most,
        "--log-level",
        "WARNING",
    ]
    return python("taskiq", "worker", *options, "benchmarks.peers.taskiq_app:broker")


def _saq(_: Task) -> list[str]:
    return python("saq", "--quiet", "benchmarks.peers.saq_app.settings")


BARE = Contender("bare asyncio script", _bare, 1.0, quick=True, everywhere=True)
CONTENDERS = (
    BARE,
    Contender("this system, SQLite", _ours(), 0.9, "SQLite", quick=True, everywhere=True),
    Contender("this system, SQLite, one child", _ours(children=1), 0.8, "SQLite"),
    Contender(
        "this system, PostgreSQL", _ours(in_postgres=True), 0.9, "PostgreSQL", everywhere=True
    ),
    Contender(
        "dramatiq, gevent, urllib3",
        _dramatiq("dramatiq-gevent", "dramatiq_urllib3_app"),
        0.7,
        everywhere=True,
    ),
    Contender("dramatiq, threads, httpx", _dramatiq("dramatiq", "dramatiq_app", _THREADS), 0.5),
    Contender("taskiq, httpx on aiohttp", _peer("taskiq_app", _taskiq), 0.5, everywhere=True),
    Contender("saq, httpx on aiohttp", _peer("saq_app", _saq), 0.4),
    Contender(
        "Celery, threads, httpx",
        _celery("--pool", "threads", "--concurrency", str(_THREADS)),
        0.25,
        everywhere=True,
    ),
    Contender(
        "Celery, prefork, httpx",
        _celery("--pool", "prefork", "--concurrency", str(_PREFORK_CHILDREN)),
        0.1,
    ),
)
"""The bare script is first, because its speed sizes the other runs."""

CORE_SHARE = 0.3
"""Share of each core that a worker may use to compare one core with two; the rest is for others."""
ON_CORES = {
    cores: Contender(
        f"{CORE_SHARE:.0%} of {cores} cores" if cores > 1 else f"{CORE_SHARE:.0%} of a core",
        _ours(children=2 * cores, in_postgres=True, cores=cores, core_share=CORE_SHARE),
        0.3 * cores,
        "PostgreSQL",
    )
    for cores in (1, 2)
}
"""This system on one core and on two."""
