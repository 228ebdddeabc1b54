"""What running campaigns have left: settings that bear on their speed, and jobs that wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, case, func, select

from issuance.job import Lane
from issuance.states import CampaignState, State
from issuance.stop_loss.canary import CanaryState
from ledger.queries.counters import counted_lines
from ledger.store.clock import now_ms
from ledger.store.schema import IS_WAITING, audit_log, campaign_stops, campaigns, jobs

_NOT_STARTED = (CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL, CampaignState.SCHEDULED)
_GATED = (CanaryState.PENDING, CanaryState.RUNNING)
_NEXT_JOBS = 200
_HELD_MS = 300 * 86_400_000
"""Jobs that are due later than this are held, by the stop-loss: no time is known for them."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that is due later."""

    seconds: float
    """Until it is due."""
    lines: int
    looks_up: bool
    """It is reconciled, not sent again."""


@dataclass(frozen=True, slots=True)
class OpenWork:
    """A campaign that has lines to settle."""

    id: int
    name: str
    state: CampaignState
    account: str
    weight: int
    per_minute: int
    """Its own rate; 0: none."""
    start_at: int | None
    window: str | None
    timezone: str | None
    started_seconds: float
    """Since its start; 0: it has not started."""
    open_lines: int
    lines_per_job: float
    is_canary: bool = False
    """Only its canary is sent yet."""
    later: Sequence[WaitingJob] = field(default_factory=list)
    """In the order in which they are due."""
    more_later: int = 0
    """Jobs that are due later than the last of `later`."""
    held: int = 0
    """Jobs of rewards that are stopped."""


def read_open_work(
    connection: Connection,
    *,
    names: Collection[str] = (),
    accounts: Collection[str] | None = None,
    most_later: int,
) -> list[OpenWork]:
    """Read the campaigns that run or will, and those of these names in any state, oldest first.

    Args:
        connection: the transaction.
        names: these campaigns are read in any state.
        accounts: only campaigns of these API accounts; None: of all.
        most_later: the most jobs to read of each campaign that are due later.
    """
    wanted = campaigns.c.state.in_((CampaignState.RUNNING, CampaignState.SCHEDULED))
    query = select(campaigns).where(wanted | campaigns.c.name.in_(list(names)))
    if accounts is not None:
        query = query.where(campaigns.c.account.in_(sorted(accounts)))
    now = connection.scalar(select(now_ms())) or 0
    rows = connection.execute(query.order_by(campaigns.c.id)).all()
    found = (_work(connection, row, now, most_later) for row in rows)
    return [each for each in found if each is not None]


def _work(connection: Connection, row: Any, now: int, most_later: int) -> OpenWork | None:
    lines = sum(
        tally.lines
        for (_, state), tally in counted_lines(connection, row.id).items()
        if state is State.WAITING
    )
    if not lines:
        return None
    later = _later(connection, row.id, now, most_later)
    return OpenWork(
        id=row.id,
        name=row.name,
        state=CampaignState(row.state),
        account=row.account,
        weight=row.weight,
        per_minute=row.rate_per_minute or 0,
        start_at=row.start_at,
        window=row.window,
        timezone=row.timezone,
        started_seconds=_started_seconds(row, now),
        open_lines=lines,
        lines_per_job=_lines_per_job(connection, row.id),
        is_canary=row.canary_state in _GATED,
        later=later,
        more_later=_count_later(connection, row.id, now) - len(later)
        if len(later) == most_later
        else 0,
        held=_count_later(connection, row.id, now + _HELD_MS, to_end=True),
    )


def _started_seconds(row: Any, now: int) -> float:
    if row.state in _NOT_STARTED:
        return 0.0
    started: int = row.started_at or row.created_at
    return max(0, now - started) / 1000


def _later(connection: Connection, campaign_id: int, now: int, most: int) -> list[WaitingJob]:
    found = [
        WaitingJob((due - now) / 1000, lines, fallback is not None)
        for lane in Lane
        for due, lines, fallback in connection.execute(
            select(jobs.c.due_at, jobs.c.open_lines, jobs.c.fallback)
            .where(
                IS_WAITING,
                jobs.c.lane == lane,
                jobs.c.campaign_id == campaign_id,
                jobs.c.due_at > now,
                jobs.c.due_at <= now + _HELD_MS,
            )
            .order_by(jobs.c.due_at)
            .limit(most)
        )
    ]
    return sorted(found, key=lambda each: each.seconds)[:most]


def _count_later(
    connection: Connection, campaign_id: int, after: int, *, to_end: bool = False
) -> int:
    # One query per lane, so that each reads one end of the index of waiting jobs.
    until = [] if to_end else [jobs.c.due_at <= after + _HELD_MS]
    return sum(
        connection.scalar(
            select(func.count()).where(
                IS_WAITING,
                jobs.c.lane == lane,
                jobs.c.campaign_id == campaign_id,
                jobs.c.due_at > after,
                *until,
            )
        )
        or 0
        for lane in Lane
    )


def _lines_per_job(connection: Connection, campaign_id: int) -> float:
    counts = [
        lines
        for lane in Lane
        for lines in connection.scalars(
            select(jobs.c.open_lines)
            .where(IS_WAITING, jobs.c.lane == lane, jobs.c.campaign_id == campaign_id)
            .order_by(jobs.c.due_at)
            .limit(_NEXT_JOBS)
        )
    ]
    return max(1.0, sum(counts) / len(counts)) if counts else 1.0


@dataclass(frozen=True, slots=True)
class Act:
    """An operator's act on a campaign."""

    subject: str
    at: int
    reason: str


def last_acts(connection: Connection, verb: str, names: Collection[str]) -> dict[str, Act]:
    """Return the last act with this verb on each of these campaigns, by name."""
    prefix = "campaign:"
    wanted = (
        audit_log.c.target.in_([f"{prefix}{name}" for name in names]),
        audit_log.c.verb == verb,
    )
    newest = select(func.max(audit_log.c.id)).where(*wanted).group_by(audit_log.c.target)
    query = select(
        audit_log.c.target, audit_log.c.subject, audit_log.c.at, audit_log.c.reason
    ).where(audit_log.c.id.in_(newest))
    return {
        target.removeprefix(prefix): Act(subject, at, reason)
        for target, subject, at, reason in connection.execute(query)
    }


def open_stops(connection: Connection, ids: Collection[int]) -> dict[int, tuple[str, str | None]]:
    """Return the cause and the reward of the newest unresolved stop of each campaign, by id."""
    stops = campaign_stops
    query = (
        select(stops.c.campaign_id, stops.c.cause, stops.c.reward)
        .where(stops.c.campaign_id.in_(list(ids)), stops.c.resolved_at.is_(None))
        .order_by(stops.c.id)
    )
    return {number: (cause, reward) for number, cause, reward in connection.execute(query)}


def campaign_times(
    connection: Connection, ids: Collection[int]
) -> dict[int, tuple[int | None, int | None]]:
    """Return when each of these campaigns started and finished last, by id.

    One that was created by an earlier version, which kept no times, started when it was created.
    """
    started = case(
        (campaigns.c.state.in_(_NOT_STARTED), campaigns.c.started_at),
        else_=func.coalesce(campaigns.c.started_at, campaigns.c.created_at),
    )
    query = select(campaigns.c.id, started, campaigns.c.finished_at).where(
        campaigns.c.id.in_(list(ids))
    )
    return {number: (begun, finished) for number, begun, finished in connection.execute(query)}
