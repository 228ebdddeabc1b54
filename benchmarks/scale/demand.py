"""What one job needs of every component, to calculate the size of larger systems."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil
from redis import Redis
from sqlalchemy import text

from benchmarks.contenders import Place
from benchmarks.cores import cpu_seconds
from benchmarks.promises.system import Options, System, prepared, start, wait_until
from benchmarks.servers import new_database
from ledger.queries.balance import open_lines

_CAMPAIGN, _REWARD = "demand", 1001
_LATENCY_MS = 50
_END_SECONDS = 300.0
_WARM_SHARE = 0.1


@dataclass(frozen=True)
class Reading:
    """All counters at one moment; CPU in seconds."""

    cpu: dict[str, float]
    counts: dict[str, float]

    def since(self, earlier: "Reading", jobs: int) -> dict[str, Any]:
        """What one job used between two readings; CPU in microseconds."""
        return {
            "cpu_us": {
                name: (used - earlier.cpu[name]) / jobs * 1e6 for name, used in self.cpu.items()
            },
            "counts": {
                name: (value - earlier.counts[name]) / jobs for name, value in self.counts.items()
            },
        }


def measure_demand(place: Place, broker: Redis, jobs: int) -> dict[str, Any]:
    """Accept a blast into an empty PostgreSQL ledger and issue it with one worker."""
    options = Options()
    url = new_database(place.postgres_url)
    with (
        prepared(place.folder, place.stub, broker, options, ledger_url=url) as system,
        ExitStack() as stack,
    ):
        before = _read(system)
        system.accept(_CAMPAIGN, jobs, reward_id=_REWARD)
        accepted = _read(system).since(before, jobs)
        place.stub.watch(_LATENCY_MS)
        start(system, options, stack)
        arrived = _await_calls(system, int(jobs * _WARM_SHARE))
        before = _read(system)
        _await_calls(system, jobs)
        # Not earlier: queries of the ledger use the database's CPU too.
        wait_until(
            lambda: not open_lines(system.ledger), seconds=_END_SECONDS, what="the end of the blast"
        )
        issued = _read(system).since(before, jobs - arrived)
    return {"jobs": jobs, "accepted": accepted, "issued": issued}


def _await_calls(system: System, count: int) -> int:
    wait_until(
        lambda: bool(system.stub.stats()["arrived"] >= count),
        seconds=_END_SECONDS,
        what=f"{count} calls",
    )
    return int(system.stub.stats()["arrived"])


def _read(system: System) -> Reading:
    with system.ledger.read() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
        row = connection.execute(text(_DATABASE)).one()
    server = psutil.Process(backend).parent()
    assert server is not None  # a backend is the server's child
    cpu = {name: cpu_seconds(process) for name, process in system.processes.items()}
    ended = server.cpu_times()
    cpu["database"] = cpu_seconds(server) + ended.children_user + ended.children_system
    cpu["broker"] = cpu_seconds(psutil.Process(system.broker.info("server")["process_id"]))
    return Reading(
        cpu,
        {
            **row._asdict(),
            "redis_commands": system.broker.info("stats")["total_commands_processed"],
        },
    )


_DATABASE = """
SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS float) AS wal_bytes,
       CAST(pg_database_size(current_database()) AS float) AS ledger_bytes,
       CAST(xact_commit AS float) AS transactions, CAST(tup_inserted AS float) AS rows_inserted,
       CAST(tup_updated AS float) AS rows_updated
FROM pg_stat_database WHERE datname = current_database()
"""
