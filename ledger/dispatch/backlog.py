"""The backlog that a release reads: each campaign's weight, queued jobs and due jobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, true

from issuance.budget import Budget
from issuance.job import Lane
from issuance.states import CampaignState, State
from issuance.stop_loss.canary import CanaryState
from issuance.stop_loss.rewards import read_stopped
from ledger.stop_loss.canary import is_tried
from ledger.store.clock import milliseconds, now_ms
from ledger.store.schema import IS_LEASED, IS_WAITING, campaigns, jobs
from ledger.windows import is_open

_GATED = (CanaryState.PENDING, CanaryState.RUNNING)


@dataclass(frozen=True, slots=True)
class Queued:
    """A campaign with queued jobs: on the broker, or about to be."""

    id: int
    weight: int
    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A campaign with due jobs."""

    id: int
    name: str
    weight: int
    is_cancelled: bool
    """Only jobs to be reconciled are due."""
    count: int
    """Due jobs, counted up to a limit; the limit itself if no other campaign waits."""
    budget: Budget | None = None
    only: tuple[int, ...] | None = None
    """The only jobs that may go, by number; None: all."""
    rate_per_minute: int | None = None
    """Its own rate; None: the account's alone."""
    stopped: tuple[str, ...] = ()
    """Rewards whose jobs are held."""
    is_canary: bool = False
    """Only the jobs of its canary may go."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """How many jobs may be queued and claimed together, where several accounts share the children.

    A child then claims a chunk without waiting for the one before it, so the queue alone bounds
    nothing.
    """

    most: int
    least: int = 1
    """The fewest jobs to release at a time while others are queued or claimed, so that chunks do
    not become tiny."""
    left_over_seconds: float | None = None
    """Count only claims that have at least this much of their lease left; None: all claims."""


def queued_campaigns(
    connection: Connection, lane: Lane, accounts: Collection[str] | None = None
) -> list[Queued]:
    """Count a lane's queued jobs by campaign; reads only the leased jobs, which are few."""
    of_lane = (IS_LEASED, jobs.c.state == State.QUEUED, jobs.c.lane == lane)
    count = func.count().label("count")
    counted = (
        select(jobs.c.campaign_id, count).where(*of_lane).group_by(jobs.c.campaign_id).subquery()
    )
    query = select(campaigns.c.id, campaigns.c.weight, counted.c.count)
    query = query.join(counted, counted.c.campaign_id == campaigns.c.id)
    return [Queued(*row) for row in connection.execute(query.where(_is_of(accounts)))]


def count_claimed(
    connection: Connection,
    lane: Lane,
    accounts: Collection[str] | None,
    left_over_seconds: float | None,
) -> int:
    """Count a lane's claimed jobs; see `Outstanding`."""
    query = (
        select(func.count())
        .select_from(jobs)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(IS_LEASED, jobs.c.state == State.RUNNING, jobs.c.lane == lane, _is_of(accounts))
    )
    if left_over_seconds is not None:
        query = query.where(jobs.c.lease_until > now_ms() + milliseconds(left_over_seconds))
    return connection.scalar(query) or 0


def _is_of(accounts: Collection[str] | None) -> ColumnElement[bool]:
    return true() if accounts is None else campaigns.c.account.in_(sorted(accounts))


def waiting_campaigns(
    connection: Connection, lane: Lane, *, most: int, accounts: Collection[str] | None = None
) -> list[Waiting]:
    """Return the campaigns with due jobs in a lane, oldest first; jobs are counted up to `most`.

    Campaigns that must not be called are left out, and so are those outside their windows.
    """
    # Two queries: given both states in one, PostgreSQL reads all jobs.
    found = [
        _waiting(row, lane, most, is_cancelled=is_cancelled)
        for state, is_cancelled in (
            (CampaignState.RUNNING, False),
            (CampaignState.CANCELLED, True),
        )
        for row in _with_due_jobs(connection, lane, state, accounts, is_cancelled=is_cancelled)
        if row.window is None or is_open(row.window, row.timezone, row.now)
    ]
    if len(found) == 1:
        return found  # nothing to share: no count is needed
    return [replace(each, count=_count(connection, due_jobs(lane, each), most)) for each in found]


def _with_due_jobs(
    connection: Connection,
    lane: Lane,
    state: CampaignState,
    accounts: Collection[str] | None,
    *,
    is_cancelled: bool,
) -> Sequence[Any]:
    due = select(jobs.c.number).where(_is_due(lane, campaigns.c.id, is_cancelled=is_cancelled))
    query = select(
        campaigns.c.id,
        campaigns.c.name,
        campaigns.c.weight,
        campaigns.c.budget_units,
        campaigns.c.budget_points,
        campaigns.c.window,
        campaigns.c.timezone,
        campaigns.c.rate_per_minute,
        campaigns.c.stopped_rewards,
        campaigns.c.canary_state,
        now_ms().label("now"),
    )
    of_state = (campaigns.c.state == state, _is_of(accounts))
    return connection.execute(query.where(*of_state, due.exists()).order_by(campaigns.c.id)).all()


def _waiting(row: Row[Any], lane: Lane, count: int, *, is_cancelled: bool) -> Waiting:
    has_budget = row.budget_units is not None or row.budget_points is not None
    return Waiting(
        row.id,
        row.name,
        row.weight,
        is_cancelled,
        count,
        Budget(row.budget_units, row.budget_points) if has_budget else None,
        rate_per_minute=row.rate_per_minute,
        stopped=read_stopped(row.stopped_rewards),
        is_canary=lane is Lane.BLAST and row.canary_state in _GATED,
    )


def _count(connection: Connection, due: ColumnElement[bool], most: int) -> int:
    # In the index's order: otherwise PostgreSQL may read all jobs and hope to find due ones early.
    found = (
        select(jobs.c.number)
        .where(due)
        .order_by(jobs.c.due_at, jobs.c.number)
        .limit(most)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(found)) or 0


def due_jobs(lane: Lane, campaign: Waiting) -> ColumnElement[bool]:
    """Return the condition of the campaign's due jobs, which the index of waiting jobs serves."""
    due = _is_due(lane, campaign.id, is_cancelled=campaign.is_cancelled)
    if campaign.is_canary and not campaign.is_cancelled:
        due = and_(due, is_tried(campaign.id))
    return due if campaign.only is None else and_(due, jobs.c.number.in_(campaign.only))


def _is_due(
    lane: Lane, campaign_id: int | ColumnElement[int], *, is_cancelled: bool
) -> ColumnElement[bool]:
    due = and_(
        IS_WAITING,
        jobs.c.lane == lane,
        jobs.c.campaign_id == campaign_id,
        jobs.c.due_at <= now_ms(),
    )
    return and_(due, jobs.c.fallback.is_not(None)) if is_cancelled else due
