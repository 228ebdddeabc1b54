"""Progress: how long calls take, and lanes that make no calls although work is due."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, true

from issuance.job import Lane
from issuance.states import State
from ledger.queries.ready import ready_campaigns
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, IS_WAITING, attempts, campaigns, jobs


@dataclass(frozen=True, slots=True)
class Stall:
    """A lane that has due work but has made no call, both for longer than the given time."""

    lane: Lane
    due_seconds: float
    """For the job that has been due longest."""
    attempts_elsewhere: int
    """Calls of the other lane in that time, which may have used up the account's rate."""


def stalls(
    ledger: Ledger, *, seconds: float, accounts: Collection[str] | None = None
) -> list[Stall]:
    """Find lanes that have due work but have made no call for this long.

    Only running campaigns of the given API accounts count, and only their calls. A campaign counts
    when its jobs could be called all that time: since its start, and within its window.

    A queued or claimed job still counts as due. Calls are timed by
    the worker's clock, so `seconds` must exceed the difference between clocks.
    """
    with ledger.read() as connection:
        within = milliseconds(seconds)
        running = [row.id for row in ready_campaigns(connection, _is_of(accounts), within)]
        due = {lane: _due_ms(connection, lane, running, within) for lane in Lane}
        made = _made(select(func.count()).select_from(attempts), accounts).where(
            attempts.c.started_at >= now_ms() - milliseconds(seconds)
        )
        return [
            Stall(lane, waited / 1000, connection.scalar(made) or 0)
            for lane, waited in due.items()
            if waited is not None
            and not _attempted(connection, lane, milliseconds(seconds), accounts)
        ]


def recent_call_seconds(ledger: Ledger) -> float | None:
    """Return the mean duration of the newest calls; None when there was none in the last minute."""
    recent = select(attempts.c.took_ms).where(attempts.c.started_at >= now_ms() - _RECENT_MS)
    newest = recent.order_by(attempts.c.started_at.desc()).limit(_RECENT_CALLS).subquery()
    with ledger.read() as connection:
        mean = connection.scalar(select(func.avg(newest.c.took_ms)))
    return None if mean is None else float(mean) / 1000


_RECENT_MS = 60_000
_RECENT_CALLS = 20


def leased(
    ledger: Ledger, lane: Lane, *, lease_seconds: float, accounts: Collection[str] | None = None
) -> int:
    """Count a lane's jobs that will still use a call slot: queued, or claimed a moment ago.

    A job that was claimed earlier has used its slot, and its slow call takes none from others.
    """
    claimed_lately = jobs.c.lease_until > now_ms() + milliseconds(
        lease_seconds - _STARTS_WITHIN_SECONDS
    )
    on_the_way = (IS_LEASED, jobs.c.lane == lane, or_(jobs.c.state == State.QUEUED, claimed_lately))
    query = select(func.count()).select_from(jobs).where(*on_the_way)
    if accounts is not None:
        query = query.join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        query = query.where(_is_of(accounts))
    with ledger.read() as connection:
        return connection.scalar(query) or 0


_STARTS_WITHIN_SECONDS = 10.0
"""By then a claimed job has a call slot or was given back: twice the wait in `chunk.issuer`."""


def _due_ms(connection: Connection, lane: Lane, running: list[int], least: int) -> int | None:
    """Return how long a job of this lane has been due, in ms; None below `least`."""
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
    """Return how long the next jobs of a campaign have waited for a call, in ms.

    A job without attempts that is due later was given back because calls could not start: it has
    waited since it was accepted.
    """
    # One query per campaign, so that each reads one end of the index of waiting jobs.
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


def _is_of(accounts: Collection[str] | None) -> ColumnElement[bool]:
    return true() if accounts is None else campaigns.c.account.in_(sorted(accounts))


def _made(query: Select[Any], accounts: Collection[str] | None) -> Select[Any]:
    """Restrict a query of attempts to those of the accounts."""
    if accounts is None:
        return query
    joined = query.join(jobs, jobs.c.number == attempts.c.job_number)
    return joined.join(campaigns, campaigns.c.id == jobs.c.campaign_id).where(_is_of(accounts))


def _attempted(
    connection: Connection, lane: Lane, within: int, accounts: Collection[str] | None
) -> bool:
    recent = (
        select(attempts.c.number)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(attempts.c.started_at >= now_ms() - within, jobs.c.lane == lane, _is_of(accounts))
        .limit(1)
    )
    return connection.scalar(recent) is not None


@dataclass(frozen=True, slots=True)
class StuckCampaign:
    """A campaign that has due work and gets no call, while others of its lane do."""

    id: int
    name: str
    lane: Lane
    weight: int
    due_seconds: float
    """For the job that has been due longest."""


def stuck_campaigns(
    ledger: Ledger, *, seconds: float, accounts: Collection[str] | None = None
) -> list[StuckCampaign]:
    """Find running campaigns that have had due work and made no call for this long.

    They could have made calls all that time: since their start, and within their windows. A lane
    that makes no calls at all is a stall instead; see `stalls`.
    """
    within = milliseconds(seconds)
    with ledger.read() as connection:
        running = ready_campaigns(connection, _is_of(accounts), within)
        return [
            StuckCampaign(row.id, row.name, lane, row.weight, due / 1000)
            for lane in Lane
            if _attempted(connection, lane, within, accounts)
            for row in running
            if (due := _due_ms(connection, lane, [row.id], within)) is not None
            and not _campaign_attempted(connection, row.id, within)
        ]


def _campaign_attempted(connection: Connection, campaign_id: int, within: int) -> bool:
    recent = (
        select(attempts.c.number)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(attempts.c.started_at >= now_ms() - within, jobs.c.campaign_id == campaign_id)
        .limit(1)
    )
    return connection.scalar(recent) is not None


def count_calls(
    ledger: Ledger, lane: Lane, *, seconds: float, accounts: Collection[str] | None = None
) -> int:
    """Count a lane's calls of the last `seconds`."""
    query = _made(select(func.count()).select_from(attempts), accounts)
    if accounts is None:
        query = query.join(jobs, jobs.c.number == attempts.c.job_number)
    since = attempts.c.started_at >= now_ms() - milliseconds(seconds)
    with ledger.read() as connection:
        return connection.scalar(query.where(since, jobs.c.lane == lane)) or 0
