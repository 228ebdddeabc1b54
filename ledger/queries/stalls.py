"""Progress: how long calls take, and whether due work is attempted: a queue that looks alive may still not do it."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, IS_WAITING, attempts, campaigns, jobs


@dataclass(frozen=True, slots=True)
class Stall:
    """A lane in which work is due and no call was made, both for longer than the time asked about."""

    lane: Lane
    due_seconds: float
    """How long the longest-waiting job has been due."""
    attempts_elsewhere: int
    """Calls of the other lane in that time: they may have used up the account's rate."""


def stalls(ledger: Ledger, *, seconds: float) -> list[Stall]:
    """The lanes in which nothing has moved for so long though it should; paused and cancelled campaigns do not count.

    A job that is queued or claimed still counts as due. When a call was made is told by the
    worker's clock, so `seconds` must be longer than clocks may differ.
    """
    with ledger.read() as connection:
        running = list(
            connection.scalars(
                select(campaigns.c.id).where(campaigns.c.state == CampaignState.RUNNING)
            )
        )
        due = {lane: _due_ms(connection, lane, running, milliseconds(seconds)) for lane in Lane}
        made = select(func.count()).where(attempts.c.started_at >= now_ms() - milliseconds(seconds))
        return [
            Stall(lane, waited / 1000, connection.scalar(made) or 0)
            for lane, waited in due.items()
            if waited is not None and not _attempted(connection, lane, milliseconds(seconds))
        ]


def recent_took_seconds(ledger: Ledger) -> float | None:
    """How long a call takes from its start to its answer: the mean of the newest calls; None after a minute without."""
    recent = select(attempts.c.took_ms).where(attempts.c.started_at >= now_ms() - _RECENT_MS)
    newest = recent.order_by(attempts.c.started_at.desc()).limit(_RECENT_CALLS).subquery()
    with ledger.read() as connection:
        mean = connection.scalar(select(func.avg(newest.c.took_ms)))
    return None if mean is None else float(mean) / 1000


_RECENT_MS = 60_000
_RECENT_CALLS = 20


def leased(ledger: Ledger, lane: Lane, *, lease_seconds: float) -> int:
    """How many of a lane's jobs are on their way: on the broker, or claimed in the last seconds.

    A job that was claimed before that has used its call slot: its call is slow, and takes none from
        others.
    """
    claimed_lately = jobs.c.lease_until > now_ms() + milliseconds(
        lease_seconds - _STARTS_WITHIN_SECONDS
    )
    on_the_way = (IS_LEASED, jobs.c.lane == lane, or_(jobs.c.state == State.QUEUED, claimed_lately))
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).where(*on_the_way)) or 0


_STARTS_WITHIN_SECONDS = 10.0
"""A claimed job has its call slot by then, or goes back: twice the patience of `worker.chunk.issuer`."""


def _due_ms(connection: Connection, lane: Lane, running: list[int], least: int) -> int | None:
    """For how long a job of this lane has been due, if that is at least `least`."""
    waited = now_ms() - jobs.c.due_at
    of_lane = (jobs.c.lane == lane, jobs.c.due_at <= now_ms() - least)
    waiting = [found for number in running for found in _waiting_ms(connection, lane, number)]
    leased = connection.scalar(
        select(func.max(waited)).where(IS_LEASED, jobs.c.campaign_id.in_(running), *of_lane)
    )
    return max(
        (found for found in (*waiting, leased) if found is not None and found >= least),
        default=None,
    )


_NEXT_JOBS = 20


def _waiting_ms(connection: Connection, lane: Lane, campaign_id: int) -> list[int]:
    """For how long the next jobs of a campaign have waited for a call.

    A job that was never called has waited since it was accepted, although it may be due later: it
    was given back because calls could not start.
    """
    # Campaign by campaign, so that each query reads one end of the index of waiting jobs.
    next_jobs = (
        select(now_ms() - jobs.c.due_at, now_ms() - jobs.c.accepted_at, jobs.c.attempts)
        .where(IS_WAITING, jobs.c.lane == lane, jobs.c.campaign_id == campaign_id)
        .order_by(jobs.c.due_at)
        .limit(_NEXT_JOBS)
    )
    return [
        accepted if attempts == 0 and due < 0 else due
        for due, accepted, attempts in connection.execute(next_jobs)
    ]


def _attempted(connection: Connection, lane: Lane, within: int) -> bool:
    recent = (
        select(attempts.c.number)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(attempts.c.started_at >= now_ms() - within, jobs.c.lane == lane)
        .limit(1)
    )
    return connection.scalar(recent) is not None
