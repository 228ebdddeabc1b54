"""The backlog that a release reads: each campaign's weight, queued jobs and due jobs."""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, func, select

from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.store.clock import now_ms
from ledger.store.schema import IS_LEASED, IS_WAITING, campaigns, jobs


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


def queued_campaigns(connection: Connection, lane: Lane) -> list[Queued]:
    """Count a lane's queued jobs by campaign; reads only the leased jobs, which are few."""
    of_lane = (IS_LEASED, jobs.c.state == State.QUEUED, jobs.c.lane == lane)
    count = func.count().label("count")
    counted = (
        select(jobs.c.campaign_id, count).where(*of_lane).group_by(jobs.c.campaign_id).subquery()
    )
    query = select(campaigns.c.id, campaigns.c.weight, counted.c.count)
    rows = connection.execute(query.join(counted, counted.c.campaign_id == campaigns.c.id))
    return [Queued(*row) for row in rows]


def waiting_campaigns(connection: Connection, lane: Lane, *, most: int) -> list[Waiting]:
    """Return the campaigns with due jobs in a lane, oldest first; jobs are counted up to `most`.

    Paused campaigns are left out.
    """
    # Two queries: given both states in one, PostgreSQL reads all jobs.
    found = [
        Waiting(number, name, weight, is_cancelled, most)
        for state, is_cancelled in (
            (CampaignState.RUNNING, False),
            (CampaignState.CANCELLED, True),
        )
        for number, name, weight in _with_due_jobs(
            connection, lane, state, is_cancelled=is_cancelled
        )
    ]
    if len(found) == 1:
        return found  # nothing to share: no count is needed
    return [replace(each, count=_count(connection, due_jobs(lane, each), most)) for each in found]


def _with_due_jobs(
    connection: Connection, lane: Lane, state: CampaignState, *, is_cancelled: bool
) -> list[tuple[int, str, int]]:
    due = select(jobs.c.number).where(_is_due(lane, campaigns.c.id, is_cancelled=is_cancelled))
    query = select(campaigns.c.id, campaigns.c.name, campaigns.c.weight).order_by(campaigns.c.id)
    rows = connection.execute(query.where(campaigns.c.state == state, due.exists()))
    return [(row.id, row.name, row.weight) for row in rows]


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
    return _is_due(lane, campaign.id, is_cancelled=campaign.is_cancelled)


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
