"""Restarts of the last day with their causes, and what waits for a dead process's leases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError

from broker.restarts import CHILD_ENDED, NOT_STOPPED, Restart
from issuance.job import Lane
from ledger.queries.claimed_before import Claimed, claimed_before
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import counted, iso, one_line, time_of_day
from operations.services import Services

_SAME_SECONDS = 60.0
"""The supervisor and the new process report one restart within this time."""
_LANES = {"worker": Lane.BLAST, "background-worker": Lane.BACKGROUND}


@dataclass(frozen=True, slots=True)
class ShownRestart:
    """A restart as operators see it."""

    process: str
    host: str
    at: datetime
    ended_at: datetime | None
    cause: str
    claimed: Claimed | None = None
    """The running jobs that it may have claimed; None: their leases are over."""


@needs(Right.VIEW)
def read_restarts(
    subject: Subject, services: Services, ledger: Ledger
) -> tuple[ShownRestart, ...] | None:
    """Return the restarts of the last day, the newest first; None: Redis has them and is away."""
    found = newest_restarts(services)
    if found is None:
        return None
    return tuple(_shown(services, ledger, each) for each in found)


def newest_restarts(services: Services) -> list[Restart] | None:
    """Return the same without the jobs, which are in the ledger."""
    if not services.servers.redis_url:
        return []
    try:
        return merge_restarts(services.restarts.of_last_day())
    except (RedisError, OSError):
        return None


def merge_restarts(found: Sequence[Restart]) -> list[Restart]:
    """Leave out what a process says of its own restart where its supervisor says more."""
    known = [each for each in found if each.cause != NOT_STOPPED]
    return [
        each
        for each in found
        if each.cause != NOT_STOPPED
        or not any(
            (other.process, other.host) == (each.process, each.host)
            and abs(other.at - each.at) <= _SAME_SECONDS
            for other in known
        )
    ]


def _shown(services: Services, ledger: Ledger, restart: Restart) -> ShownRestart:
    ended_at = restart.ended_at or restart.at
    # The release gives a dead child's jobs back at once.
    lane = None if restart.cause == CHILD_ENDED else _LANES.get(restart.process)
    lease_seconds = services.settings.lease_seconds
    claimed = None
    if lane is not None and datetime.now(UTC).timestamp() - ended_at < lease_seconds:
        claimed = claimed_before(ledger, lane, ended_at, lease_seconds=lease_seconds)
    return ShownRestart(
        restart.process,
        restart.host,
        datetime.fromtimestamp(restart.at, UTC),
        None if restart.ended_at is None else datetime.fromtimestamp(restart.ended_at, UTC),
        restart.cause,
        claimed if claimed and claimed.jobs else None,
    )


def restart_text(restart: ShownRestart | Restart, at: datetime, now: datetime) -> str:
    """Say when a process was restarted, and why."""
    where = f" on {one_line(restart.host)}" if restart.host else ""
    name, time = f"{one_line(restart.process)}{where}", time_of_day(at, now)
    if restart.cause == CHILD_ENDED:
        return f"{name} replaced a child process at {time}: it had ended by itself"
    return f"{name} restarted at {time}: {one_line(restart.cause)}"


def claimed_text(claimed: Claimed, now: datetime) -> str:
    """Say what waits for the leases of a process that has ended."""
    until = "" if claimed.until is None else f" by {time_of_day(claimed.until, now)}"
    return f"up to {counted(claimed.jobs, 'job')} that it had claimed continue{until}"


def restart_json(restart: ShownRestart) -> dict[str, Any]:
    """Return a restart for programs."""
    claimed = restart.claimed
    return {
        "process": restart.process,
        "host": restart.host,
        "at": iso(restart.at),
        "endedAt": iso(restart.ended_at),
        "cause": restart.cause,
        "claimedJobs": 0 if claimed is None else claimed.jobs,
        "claimedUntil": None if claimed is None else iso(claimed.until),
    }
