"""Jobs that a dead process may have claimed: they wait until their leases end."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from issuance.job import Lane
from issuance.states import State
from ledger.store.clock import instant, milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, jobs


class Claimed(NamedTuple):
    """Running jobs."""

    jobs: int
    until: datetime | None
    """When the last of their leases ends; None: there is no such job."""


def claimed_before(ledger: Ledger, lane: Lane, at: float, *, lease_seconds: float) -> Claimed:
    """Count a lane's running jobs that were claimed before a time and whose leases last.

    Args:
        ledger: the record.
        lane: the lane of the process.
        at: seconds since 1970.
        lease_seconds: the workers' setting.
    """
    query = select(func.count(), func.max(jobs.c.lease_until)).where(
        IS_LEASED,
        jobs.c.state == State.RUNNING,
        jobs.c.lane == lane,
        jobs.c.lease_until > now_ms(),
        jobs.c.lease_until <= int(at * 1000) + milliseconds(lease_seconds),
    )
    with ledger.read() as connection:
        count, until = connection.execute(query).one()
    return Claimed(count, instant(until))
