"""Claims: a worker's right to a chunk's jobs until the lease ends, taken by compare-and-set (design rule 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, and_, case, func, or_, select, update

from issuance.customer import Customer
from issuance.job import Line, Variant
from issuance.states import State
from ledger.book import Ledger
from ledger.clock import milliseconds, now_ms
from ledger.schema import campaigns, jobs, lines

CLAIMS_MAX = 3
"""A job claimed so often without an outcome kills its worker: it is dead-lettered, not tried again."""
ISOLATED_FROM = 2
"""From so many claims without an outcome on, a job travels alone, so that it cannot harm others."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job in a worker's hands: all that is needed to send it and to judge the reply."""

    number: int
    id: str
    campaign_id: int
    customer: Customer
    variant: Variant
    body: bytes
    lines: tuple[Line, ...]
    """With the fields that a reply is matched by; the rest is in the body."""
    generation: int
    attempts: int
    budget_attempts: int
    budget_age_seconds: float | None
    """Since the first attempt of the present budget; None before it."""
    may_have_reached: bool
    limit_deferrals: int
    redrives: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker holds until `lease_seconds` after it was taken."""

    chunk_id: str
    campaign: str
    defers_limits: bool
    jobs: tuple[ClaimedJob, ...]


def claim(
    ledger: Ledger, chunk_id: str, job_numbers: Sequence[int], *, lease_seconds: float, redelivered: bool
) -> Claim:
    """Claim those of a chunk's jobs that are still queued; the jobs of a halted campaign go back instead.

    A doubled or stale message finds nothing. A redelivered one takes over what it had claimed itself:
    its worker is gone, and the jobs may have reached the API.

    Args:
        ledger: the record.
        chunk_id: the message's id.
        job_numbers: the chunk's jobs.
        lease_seconds: how long the claim holds; no call may run past it.
        redelivered: the broker says that this message was delivered before.
    """
    with ledger.write() as connection:
        _give_back_halted(connection, job_numbers)
        if redelivered and len(job_numbers) > 1:
            _isolate(connection, chunk_id, job_numbers)
        taken = _take(connection, chunk_id, job_numbers, lease_seconds=lease_seconds, redelivered=redelivered)
        if not taken:
            return Claim(chunk_id, "", defers_limits=False, jobs=())
        of_jobs = _lines(connection, [row.number for row in taken])
        campaign = connection.execute(
            select(campaigns.c.name, campaigns.c.defers_limits).where(campaigns.c.id == taken[0].campaign_id)
        ).one()
    claimed = tuple(_claimed(row, tuple(of_jobs[row.number])) for row in taken)
    return Claim(chunk_id, campaign.name, campaign.defers_limits, claimed)


def _give_back_halted(connection: Connection, job_numbers: Sequence[int]) -> None:
    halted = select(campaigns.c.id).where(campaigns.c.state.in_(("paused", "cancelled")))
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(job_numbers), jobs.c.state == State.QUEUED, jobs.c.campaign_id.in_(halted))
        .values(state=State.WAITING, lease_until=None)
    )


def _isolate(connection: Connection, chunk_id: str, job_numbers: Sequence[int]) -> None:
    """Give back what this chunk lost its worker over more than once, to be released job by job."""
    suspects = and_(jobs.c.state == State.RUNNING, jobs.c.chunk_id == chunk_id, jobs.c.claims >= ISOLATED_FROM)
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(job_numbers), suspects)
        .values(state=State.WAITING, lease_until=None, chunk_id=None, due_at=now_ms(), may_have_reached=True)
    )


def _take(
    connection: Connection, chunk_id: str, job_numbers: Sequence[int], *, lease_seconds: float, redelivered: bool
) -> list[Row[tuple[object, ...]]]:
    now = now_ms()
    mine_again = and_(jobs.c.state == State.RUNNING, jobs.c.chunk_id == chunk_id, jobs.c.claims < CLAIMS_MAX)
    free = jobs.c.state == State.QUEUED
    if redelivered:
        free = or_(free, mine_again)
    statement = (
        update(jobs)
        .where(jobs.c.number.in_(job_numbers), free)
        .values(
            state=State.RUNNING,
            chunk_id=chunk_id,
            lease_until=now + milliseconds(lease_seconds),
            claims=jobs.c.claims + 1,
            first_claimed_at=func.coalesce(jobs.c.first_claimed_at, now),
            may_have_reached=case((jobs.c.state == State.RUNNING, True), else_=jobs.c.may_have_reached),
        )
        .returning(
            jobs.c.number,
            jobs.c.id,
            jobs.c.campaign_id,
            jobs.c.customer,
            jobs.c.variant,
            jobs.c.body,
            jobs.c.generation,
            jobs.c.attempts,
            jobs.c.budget_attempts,
            (now - jobs.c.budget_started_at).label("budget_age"),
            jobs.c.may_have_reached,
            jobs.c.limit_deferrals,
            jobs.c.redrives,
        )
    )
    return sorted(connection.execute(statement), key=lambda row: row.number)


def _lines(connection: Connection, numbers: list[int]) -> dict[int, list[Line]]:
    query = select(lines.c.job_number, lines.c.request_id, lines.c.reward_id, lines.c.requested_quantity)
    of_jobs: dict[int, list[Line]] = {number: [] for number in numbers}
    for row in connection.execute(
        query.where(lines.c.job_number.in_(numbers)).order_by(lines.c.job_number, lines.c.position)
    ):
        of_jobs[row.job_number].append(Line(row.request_id, row.reward_id, row.requested_quantity))
    return of_jobs


def _claimed(row: Row[tuple[object, ...]], of_job: tuple[Line, ...]) -> ClaimedJob:
    return ClaimedJob(
        number=row.number,
        id=row.id,
        campaign_id=row.campaign_id,
        customer=Customer.parse(row.customer),
        variant=Variant(row.variant),
        body=row.body,
        lines=of_job,
        generation=row.generation,
        attempts=row.attempts,
        budget_attempts=row.budget_attempts,
        budget_age_seconds=None if row.budget_age is None else row.budget_age / 1000,
        may_have_reached=bool(row.may_have_reached),
        limit_deferrals=row.limit_deferrals,
        redrives=row.redrives,
    )
