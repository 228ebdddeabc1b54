"""Claims: the right to work on jobs until a lease ends, by compare-and-set (design rule 5)."""

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from pydantic_core import from_json
from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from issuance.account import DEFAULT_ACCOUNT
from issuance.chunk_message import ChunkMessage
from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Lane, Line
from issuance.retry import LIMIT
from issuance.states import CALLABLE, CampaignState, State
from issuance.stop_loss.rewards import STOP_LOSS_OFF, read_stopped
from ledger.stop_loss.stopped_rewards import has_reward
from ledger.store.clock import instant, milliseconds, now_ms
from ledger.store.commit_log import log_jobs_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import attempts, campaigns, jobs, lines
from ledger.windows import closes_in_seconds, open_seconds

CLAIMS_MAX = 3
"""After this many claims without an outcome a job is poison: reconciled once, never resent."""
ISOLATED_FROM = 2
"""From this many claims without an outcome on, a job gets a chunk of its own."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A claimed job: all that a worker needs to send it and to judge the reply."""

    number: int
    id: str
    campaign_id: int
    customer: Customer
    variant: Variant
    body: bytes
    lines: tuple[Line, ...]
    """Only the fields that replies are matched by; the body has the rest."""
    generation: int
    attempts: int
    budget_attempts: int
    budget_age_seconds: float | None
    """Since the first attempt of the current budget; None before it."""
    may_have_reached: bool
    limit_deferrals: int
    redrives: int
    fallback: State | None = None
    """None: send the job. Otherwise reconcile it, and settle it as this if nothing is found."""
    empty_reads: int = 0
    shown_transactions: frozenset[str] = frozenset()
    """Ids of all transactions that replies have named: a read that misses one lags behind."""
    shown_vouchers: tuple[str, ...] = ()
    """All vouchers that replies have shown: no log shows them."""
    first_claimed_at: datetime | None = None
    """Nothing was sent earlier; by the ledger's clock."""
    reissue_of: str | None = None
    """The refused job that this one replaces."""
    claims: int = 1
    """This claim and the earlier ones without an outcome: above 1 the job has lost a worker."""
    scope: str | None = None
    """See `Job.scope`."""
    transaction_number: str | None = None
    """See `Job.transaction_number`."""
    traceparent: str | None = None
    """See `Job.traceparent`."""
    due_at_ms: int = 0
    """When it became due: its acceptance, or the end of its last delay; by the ledger's clock."""
    limit_refused_at: datetime | None = None
    """When a limit was found used up and the job was last deferred; by the worker's clock."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk's jobs that a worker holds until the lease ends."""

    chunk_id: str
    campaign: str
    defers_limits: bool
    jobs: tuple[ClaimedJob, ...]
    is_cancelled: bool = False
    """The campaign was cancelled: its jobs may be reconciled, but not sent."""
    isolated: tuple[Customer, ...] = ()
    """Customers of the jobs that this chunk gave back because it has lost two workers over them."""
    lane: Lane = Lane.BLAST
    account: str = DEFAULT_ACCOUNT
    """The campaign's API account."""
    closes_at: float | None = None
    """When the campaign's window closes, by this process's monotonic clock; None: it has none."""
    is_watched: bool = False
    """The campaign has a stop-loss."""
    claimed_at_ns: int = field(default_factory=time.time_ns, compare=False)
    """By this process's clock, since the epoch."""

    @property
    def campaign_id(self) -> int:
        """The campaign of all its jobs; 0 without jobs."""
        return self.jobs[0].campaign_id if self.jobs else 0


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
        of_jobs, shown, vouchers = _lines(connection, [row[0] for row in taken])
        deferred = [row[0] for row in taken if row[_LIMIT_DEFERRALS]]
        refused = _limits_refused(connection, deferred)
    claimed = sorted(
        (_claimed(row, of_jobs, shown, vouchers, refused) for row in taken),
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
            now - jobs.c.budget_started_at,
            jobs.c.may_have_reached,
            jobs.c.limit_deferrals,
            jobs.c.redrives,
            jobs.c.fallback,
            jobs.c.empty_reads,
            jobs.c.first_claimed_at,
            jobs.c.reissue_of,
            jobs.c.claims,
            jobs.c.scope,
            jobs.c.transaction_number,
            jobs.c.traceparent,
            jobs.c.due_at,
        )
    )


_LIMIT_DEFERRALS = 11
"""Where it is in a claimed row."""
_TAKE = _take(again=False)
_TAKE_AGAIN = _take(again=True)
_LINES = (
    select(
        lines.c.job_number,
        lines.c.request_id,
        lines.c.reward_id,
        lines.c.requested_quantity,
        lines.c.org_id,
        lines.c.reward_external_id,
        lines.c.transaction_ids,
        lines.c.vouchers,
    )
    .where(lines.c.job_number.in_(_NUMBERS))
    .order_by(lines.c.job_number, lines.c.position)
)


_Shown = dict[int, list[str]]
"""What replies have shown, by the job's number."""


def _lines(
    connection: Connection, numbers: list[int]
) -> tuple[dict[int, list[Line]], _Shown, _Shown]:
    """Read the jobs' lines, and the transactions and vouchers that replies have shown of them."""
    of_jobs: dict[int, list[Line]] = {number: [] for number in numbers}
    shown: _Shown = {}
    vouchers: _Shown = {}
    for row in connection.execute(_LINES, {"job_numbers": numbers}):
        number, request_id, reward_id, quantity, org_id, external_id, named, codes = row
        of_jobs[number].append(
            Line(request_id, reward_id, quantity, org_id, reward_external_id=external_id)
        )
        if named:
            shown.setdefault(number, []).extend(from_json(named))
        if codes:
            vouchers.setdefault(number, []).extend(from_json(codes))
    return of_jobs, shown, vouchers


_LIMITS_REFUSED = (
    select(attempts.c.job_number, func.max(attempts.c.started_at))
    .where(attempts.c.job_number.in_(_NUMBERS), attempts.c.decision.endswith(f"({LIMIT})"))
    .group_by(attempts.c.job_number)
)


def _limits_refused(connection: Connection, numbers: list[int]) -> dict[int, int]:
    """Read when each of these jobs was last deferred for a used-up limit."""
    if not numbers:
        return {}
    found = connection.execute(_LIMITS_REFUSED, {"job_numbers": numbers})
    return dict(map(tuple, found))


def _claimed(
    row: Sequence[Any],
    of_jobs: dict[int, list[Line]],
    shown: _Shown,
    vouchers: _Shown,
    refused: dict[int, int],
) -> ClaimedJob:
    # Unpacked by position: reading fields by name costs as much as the statement.
    number, job_id, campaign_id, customer, variant, body, generation, *counts = tuple(row)
    calls, budget_attempts, budget_age, may_have_reached, limit_deferrals, redrives, *rest = counts
    fallback, empty_reads, first_claimed_at, reissue_of, claims, scope, *given = rest
    transaction_number, traceparent, due_at = given
    return ClaimedJob(
        number=number,
        id=job_id,
        campaign_id=campaign_id,
        customer=Customer.parse(customer),
        variant=Variant(variant),
        body=body,
        lines=tuple(of_jobs[number]),
        generation=generation,
        attempts=calls,
        budget_attempts=budget_attempts,
        budget_age_seconds=None if budget_age is None else budget_age / 1000,
        may_have_reached=bool(may_have_reached),
        limit_deferrals=limit_deferrals,
        redrives=redrives,
        fallback=State(fallback) if fallback else None,
        empty_reads=empty_reads,
        shown_transactions=frozenset(shown.get(number, ())),
        shown_vouchers=tuple(vouchers.get(number, ())),
        first_claimed_at=instant(first_claimed_at),
        reissue_of=reissue_of,
        claims=claims,
        scope=scope,
        transaction_number=transaction_number,
        traceparent=traceparent,
        due_at_ms=due_at,
        limit_refused_at=instant(refused.get(number)),
    )
