"""Cost of jobs and queries in a filled ledger, and the jobs per second of the whole release.

`python -m benchmarks.scale.measurement LEDGER_URL JOBS CAMPAIGN BROKER_URL` runs that many waiting
jobs through the steps, runs each query some times, and prints JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from redis import Redis
from sqlalchemy import select, text

from benchmarks.cores import WORKER_CORES, python, run_to_end
from benchmarks.costs import CHUNK_JOBS, Stopwatch, run_steps
from broker.queues import LANE_QUEUES
from config.endpoints import Servers
from config.logs import configure_logs
from config.settings import Settings
from issuance.job import Lane
from issuance.outcome import Reason
from ledger.dead_letters.browse import (
    DeadLetterFilter,
    count_dead_letters,
    list_dead_letters,
    show_dead_letter,
)
from ledger.dispatch.cancellation import settle_cancelled
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import unqueue_all
from ledger.queries.balance import attempts_per_second, balance
from ledger.queries.stalls import stalls
from ledger.store.database import Ledger
from ledger.store.schema import dead_letters
from operations.services import Services
from worker.dispatcher import run_release
from worker.services import WorkerServices

_ASKED = 5
_ROUNDS = 5
_A_PAGE = 50


def measure_in_subprocess(
    ledger_url: str, count: int, campaign: str, broker_url: str
) -> dict[str, Any]:
    """Measure in a separate process, on the worker's core."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")
    }
    command = python("benchmarks.scale.measurement", ledger_url, str(count), campaign, broker_url)
    printed = run_to_end(command, cores=WORKER_CORES, environment=environment)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def _measure(ledger_url: str, count: int, campaign: str, broker_url: str) -> dict[str, Any]:
    with Ledger(ledger_url, durable=False) as ledger:
        run_steps(ledger, Stopwatch())  # compiles the statements
        watch, wal = Stopwatch(), wal_bytes(ledger)
        chunks = max(1, count // CHUNK_JOBS)
        for _ in range(chunks):
            run_steps(ledger, watch)
        per_job = chunks * CHUNK_JOBS
        written = (wal_bytes(ledger) - wal) / per_job
        return {
            "steps": {name: seconds / per_job * 1e6 for name, seconds in watch.clock.items()},
            "queries": {
                name: _time_query(query) for name, query in _queries(ledger, campaign).items()
            },
            "released_per_second": _release_whole(ledger, ledger_url, broker_url),
            "wal_bytes": written,
            "size_bytes": _size_bytes(ledger),
        }


def _queries(ledger: Ledger, campaign: str) -> dict[str, Callable[[], object]]:
    with ledger.read() as connection:
        letter = connection.scalar(select(dead_letters.c.id).limit(1)) or 0
    one_reason = DeadLetterFilter(campaign=campaign, reason=Reason.FAILED)
    return {
        "status of the campaign": lambda: balance(ledger, campaign),
        "speed over the last 10 s": lambda: attempts_per_second(ledger),
        "dead letters: count": lambda: count_dead_letters(ledger, DeadLetterFilter()),
        "dead letters: count, campaign and reason": lambda: count_dead_letters(ledger, one_reason),
        "dead letters: first page": lambda: list(
            list_dead_letters(ledger, DeadLetterFilter(), limit=_A_PAGE)
        ),
        "dead letters: first page, campaign": lambda: list(
            list_dead_letters(ledger, DeadLetterFilter(campaign=campaign), limit=_A_PAGE)
        ),
        "dead letters: first page, campaign and reason": lambda: list(
            list_dead_letters(ledger, one_reason, limit=_A_PAGE)
        ),
        "dead letters: show": lambda: show_dead_letter(ledger, letter),
        "release without due jobs: cancelled, lapsed, stalled": lambda: (
            settle_cancelled(ledger),
            reap(ledger),
            stalls(ledger, seconds=60.0),
        ),
    }


def _time_query(query: Callable[[], object]) -> float:
    """Milliseconds of a warm query: the median of several."""
    query()
    took = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        query()
        took.append((time.perf_counter() - began) * 1e3)
    return median(took)


def _release_whole(ledger: Ledger, ledger_url: str, broker_url: str) -> float:
    """Jobs per second of whole release rounds with publishing; the jobs are reset after each."""
    settings = Settings(
        _env_file=None,
        ledger_url=ledger_url,
        broker_url=broker_url,
        api_url="http://127.0.0.1:9",
        api_rate_per_minute=0,
        log_level="WARNING",
    )
    configure_logs(settings)
    services = WorkerServices(Services(settings, Servers.of(settings)), worker="bench")
    services.app.conf.task_send_sent_event = True  # as the release process does
    with Redis.from_url(broker_url) as redis:
        run_release(services)  # opens its connections
        released, took = 0, 0.0
        for _ in range(_ROUNDS):
            unqueue_all(ledger)
            redis.delete(f"issuance:{LANE_QUEUES[Lane.BLAST]}")
            began = time.perf_counter()
            released += run_release(services)
            took += time.perf_counter() - began
        unqueue_all(ledger)
    return released / took


def wal_bytes(ledger: Ledger) -> int:
    """Size of PostgreSQL's write-ahead log; 0 on SQLite."""
    if ledger.dialect.name != "postgresql":
        return 0
    with ledger.read() as connection:
        return int(
            connection.scalar(text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) or 0
        )


def _size_bytes(ledger: Ledger) -> int:
    query = "SELECT pg_database_size(current_database())"
    if ledger.dialect.name == "sqlite":
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    with ledger.read() as connection:
        return int(connection.scalar(text(query)) or 0)


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
