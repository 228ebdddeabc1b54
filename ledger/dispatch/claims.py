"""Claims: the right to work on jobs until a lease ends, by compare-and-set (design rule 5)."""

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from issuance.chunk_message import ChunkMessage
from issuance.customer import Customer
from issuance.job import Lane
from issuance.states import CALLABLE, CampaignState, State
from issuance.stop_loss.rewards import STOP_LOSS_OFF, read_stopped
from ledger.dispatch.claimed_jobs import (
    CLAIMED_COLUMNS,
    LIMIT_DEFERRALS,
    Claim,
    ClaimedJob,
    claimed_job,
    limits_refused,
    lines_of,
)
from ledger.stop_loss.stopped_rewards import has_reward
from ledger.store.clock import milliseconds, now_ms
from ledger.store.commit_log import log_jobs_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, jobs, lines
from ledger.windows import closes_in_seconds, open_seconds

CLAIMS_MAX = 3
"""After this many claims without an outcome a job is poison: reconciled once, never resent."""
ISOLATED_FROM = 2
"""From this many claims without an outcome on, a job gets a chunk of its own."""


def claim(
    ledger: Ledger,
    chunk: ChunkMessage,
    *,
    lease_seconds: float,
    orphaned: bool,
    accounts: Collection[str] | None = None,
) -> Claim:
    """Claim the jobs that the release queued under this chunk's id, for its campaign and lane.

    Those of a campaign or reward that must not be called, or of a campaign whose window is closed,
    go back, and so do those of an account that this installation has no longer. Jobs to be
    reconciled are claimed in a cancelled campaign too, and of a stopped reward: reading issues
    nothing.

    A duplicate or stale message claims nothing, nor does one that the broker redelivers while a
    worker still has it. An orphaned one takes over its own earlier claims: their worker is dead,
    and the jobs may have reached the API.

    Args:
        ledger: the record.
        chunk: what its message says.
        lease_seconds: how long the claim lasts; every call must end before.
        orphaned: whether the worker that got this message before is known to be dead.
        accounts: the names of the known accounts; None: every account is known.
    """
    chunk_id = chunk.chunk_id
    of_chunk = {
        "job_numbers": chunk.job_numbers,
        "expected_chunk_id": chunk_id,
        "expected_campaign_id": chunk.campaign_id,
        "expected_lane": chunk.lane,
    }
    with ledger.write() as connection:
        asked_at = time.monotonic()  # before the ledger's clock is read: rather too early
        campaign = connection.execute(_CAMPAIGN, of_chunk).one_or_none()
        if campaign is None:
            return Claim(chunk_id, "", defers_limits=False, jobs=())
        if accounts is not None and campaign.account not in accounts:
            connection.execute(_GIVE_BACK, of_chunk)
            return Claim(
                chunk_id, campaign.name, defers_limits=False, jobs=(), account=campaign.account
            )
        is_cancelled = campaign.state == CampaignState.CANCELLED
        window = (campaign.window, campaign.timezone, campaign.now)
        open_for = math.inf if campaign.window is None else closes_in_seconds(*window)
        if (not is_cancelled and campaign.state not in CALLABLE) or open_for <= 0:
            connection.execute(_GIVE_BACK, of_chunk)
        if is_cancelled:
            connection.execute(_GIVE_BACK_SENDS, of_chunk)
        if stopped := read_stopped(campaign.stopped_rewards):
            connection.execute(_GIVE_BACK_SENDS.where(has_reward(stopped)), of_chunk)
        if orphaned:
            lost = connection.scalars(_LOST, of_chunk).all()
            fields = {"campaign": campaign.name, "chunk_id": chunk_id}
            log_jobs_after_commit(connection, "claims_taken_over", lost, level="warning", **fields)
        isolated: Sequence[str] = ()
        if orphaned and len(chunk.job_numbers) > 1:
            isolated = connection.scalars(_ISOLATE, of_chunk).all()
        lease = {"lease_ms": milliseconds(lease_seconds)}
        taken = connection.execute(_TAKE_AGAIN if orphaned else _TAKE, of_chunk | lease).all()
        of_jobs, shown, vouchers = lines_of(connection, [row[0] for row in taken])
        deferred = [row[0] for row in taken if row[LIMIT_DEFERRALS]]
        refused = limits_refused(connection, deferred)
    claimed = sorted(
        (claimed_job(row, of_jobs, shown, vouchers, refused) for row in taken),
        key=attrgetter("number"),
    )
    if campaign.window is not None:
        claimed = [_aged_while_open(job, *window) for job in claimed]
    return Claim(
        chunk_id,
        campaign.name,
        campaign.defers_limits,
        tuple(claimed),
        is_cancelled,
        tuple(map(Customer.parse, isolated)),
        chunk.lane,
        campaign.account,
        None if campaign.window is None else asked_at + open_for,
        is_watched=campaign.stop_loss != STOP_LOSS_OFF and chunk.lane is Lane.BLAST,
    )


def _aged_while_open(job: ClaimedJob, window: str, timezone: str | None, now: int) -> ClaimedJob:
    """Count only the time in which the window was open: closed, it must not use up the retries."""
    age = job.budget_age_seconds
    if age is None:
        return job
    return replace(job, budget_age_seconds=open_seconds(window, timezone, now, age))


_NUMBERS: BindParameter[Any] = bindparam("job_numbers", expanding=True)
# The release wrote the chunk's id into these jobs. A message that names others claims none of them.
_OF_CHUNK = and_(
    jobs.c.number.in_(_NUMBERS),
    jobs.c.chunk_id == bindparam("expected_chunk_id"),
    jobs.c.campaign_id == bindparam("expected_campaign_id"),
    jobs.c.lane == bindparam("expected_lane"),
)

_CAMPAIGN = (
    select(
        campaigns.c.name,
        campaigns.c.defers_limits,
        campaigns.c.state,
        campaigns.c.account,
        campaigns.c.window,
        campaigns.c.timezone,
        now_ms().label("now"),
        campaigns.c.stopped_rewards,
        campaigns.c.stop_loss,
    )
    .join(jobs, jobs.c.campaign_id == campaigns.c.id)
    .where(_OF_CHUNK)
    .limit(1)
)
_GIVE_BACK = (
    update(jobs)
    .where(_OF_CHUNK, jobs.c.state == State.QUEUED)
    .values(state=State.WAITING, lease_until=None)
)
_GIVE_BACK_SENDS = _GIVE_BACK.where(jobs.c.fallback.is_(None))
_LOST = (
    select(lines.c.request_id)
    .join(jobs, jobs.c.number == lines.c.job_number)
    .where(_OF_CHUNK, jobs.c.state == State.RUNNING)
    .order_by(lines.c.job_number, lines.c.position)
)
# Jobs over which this chunk has lost two workers go back, to be released one by one.
_ISOLATE = (
    update(jobs)
    .where(_OF_CHUNK, jobs.c.state == State.RUNNING, jobs.c.claims >= ISOLATED_FROM)
    .values(
        state=State.WAITING,
        lease_until=None,
        chunk_id=None,
        due_at=now_ms(),
        may_have_reached=True,
    )
    .returning(jobs.c.customer)
)


def _take(*, again: bool) -> ReturningUpdate[Any]:
    free = jobs.c.state == State.QUEUED
    if again:
        ours = and_(jobs.c.state == State.RUNNING, jobs.c.claims < CLAIMS_MAX)
        free = or_(free, ours)
    now = now_ms()
    return (
        update(jobs)
        .where(_OF_CHUNK, free)
        .values(
            state=State.RUNNING,
            lease_until=now + bindparam("lease_ms"),
            claims=jobs.c.claims + 1,
            first_claimed_at=func.coalesce(jobs.c.first_claimed_at, now),
            may_have_reached=case(
                (jobs.c.state == State.RUNNING, True), else_=jobs.c.may_have_reached
            ),
        )
        .returning(*CLAIMED_COLUMNS)
    )


_TAKE = _take(again=False)
_TAKE_AGAIN = _take(again=True)
