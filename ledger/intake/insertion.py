"""Inserts new jobs and their lines, in bulk."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from issuance.customer_digest import customer_digest
from issuance.job import Job
from issuance.states import State
from ledger.campaigns import wake_campaign
from ledger.retention.restore import forgotten_since
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import NO_ORG, campaign_orgs, campaigns

_NONE: Mapping[str, str] = {}


def insert_jobs(
    connection: Connection,
    campaign_id: int,
    batch: Sequence[Job],
    *,
    customer_key: bytes,
    intake_id: int | None = None,
    reissue_of: Mapping[str, str] = _NONE,
) -> list[int]:
    """Insert new jobs, waiting and due now, and count their lines; returns their numbers.

    `customer_key` is the ledger's for `Purpose.CUSTOMERS`; `reissue_of` maps a new job's id to the
    id of the job that it replaces.
    """
    dialect = dialect_of(connection)
    numbers = dialect.next_job_numbers(connection, len(batch))
    now = connection.scalar(select(now_ms()))
    forgotten = forgotten_since(connection)
    dialect.insert_rows(connection, "jobs", _JOB_COLUMNS, [
        (number, job.id, campaign_id, intake_id, job.source_line, job.lane.value,
         str(job.customer), job.variant.value, job.body, job.occurrence, job.generation,
         reissue_of.get(job.id), State.WAITING.value, len(job.lines), now, 0, 0,
         0, forgotten, forgotten is not None, 0, 0, now,
         job.scope, job.transaction_number, customer_digest(job.customer, customer_key),
         job.traceparent)
        for number, job in zip(numbers, batch, strict=True)
    ])  # fmt: skip
    dialect.insert_rows(connection, "lines", _LINE_COLUMNS, [
        (number, position, line.request_id, campaign_id, line.reward_id,
         State.WAITING.value, line.quantity, line.org_id, line.reward_external_id)
        for number, job in zip(numbers, batch, strict=True)
        for position, line in enumerate(job.lines)
    ])  # fmt: skip
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(
            accepted_lines=campaigns.c.accepted_lines + sum(len(job.lines) for job in batch),
            requested_units=campaigns.c.requested_units + requested_units(batch),
        )
    )
    _count_by_org(connection, campaign_id, batch)
    wake_campaign(connection, campaign_id)
    return numbers


def requested_units(batch: Sequence[Job]) -> int:
    """Return how many units jobs ask for."""
    return sum(line.quantity for job in batch for line in job.lines)


def _count_by_org(connection: Connection, campaign_id: int, batch: Sequence[Job]) -> None:
    counts = Counter(line.org_id or NO_ORG for job in batch for line in job.lines)
    dialect = dialect_of(connection)
    for org_id, count in sorted(counts.items()):
        values = {"campaign_id": campaign_id, "org_id": org_id, "accepted_lines": count}
        added = {"accepted_lines": campaign_orgs.c.accepted_lines + count}
        keys = ["campaign_id", "org_id"]
        connection.execute(dialect.upsert(campaign_orgs, values, keys=keys, changes=added))


_JOB_COLUMNS = (
    "number", "id", "campaign_id", "intake_id", "source_line", "lane",
    "customer", "variant", "body", "occurrence", "generation",
    "reissue_of", "state", "open_lines", "due_at", "claims", "attempts",
    "budget_attempts", "first_claimed_at", "may_have_reached", "limit_deferrals", "redrives",
    "accepted_at", "scope", "transaction_number", "customer_digest", "traceparent",
)  # fmt: skip
_LINE_COLUMNS = (
    "job_number",
    "position",
    "request_id",
    "campaign_id",
    "reward_id",
    "state",
    "requested_quantity",
    "org_id",
    "reward_external_id",
)
