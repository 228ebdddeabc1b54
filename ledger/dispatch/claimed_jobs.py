"""Jobs that a worker holds: what it needs of each to send it and to judge the reply."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    func,
    select,
)

from issuance.account import DEFAULT_ACCOUNT
from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Lane, Line
from issuance.retry import LIMIT
from issuance.states import State
from ledger.store.clock import instant, now_ms
from ledger.store.schema import attempts, jobs, lines


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


CLAIMED_COLUMNS = (
    jobs.c.number,
    jobs.c.id,
    jobs.c.campaign_id,
    jobs.c.customer,
    jobs.c.variant,
    jobs.c.body,
    jobs.c.generation,
    jobs.c.attempts,
    jobs.c.budget_attempts,
    now_ms() - jobs.c.budget_started_at,
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
LIMIT_DEFERRALS = 11
"""Where it is in a claimed row."""
_NUMBERS: BindParameter[Any] = bindparam("job_numbers", expanding=True)
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


Shown = dict[int, list[str]]
"""What replies have shown, by the job's number."""


def lines_of(
    connection: Connection, numbers: list[int]
) -> tuple[dict[int, list[Line]], Shown, Shown]:
    """Read the jobs' lines, and the transactions and vouchers that replies have shown of them."""
    of_jobs: dict[int, list[Line]] = {number: [] for number in numbers}
    shown: Shown = {}
    vouchers: Shown = {}
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


def limits_refused(connection: Connection, numbers: list[int]) -> dict[int, int]:
    """Read when each of these jobs was last deferred for a used-up limit."""
    if not numbers:
        return {}
    found = connection.execute(_LIMITS_REFUSED, {"job_numbers": numbers})
    return dict(map(tuple, found))


def claimed_job(
    row: Sequence[Any],
    of_jobs: dict[int, list[Line]],
    shown: Shown,
    vouchers: Shown,
    refused: dict[int, int],
) -> ClaimedJob:
    """Make a claimed job of a row of `CLAIMED_COLUMNS`, and of what was read by its number."""
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
