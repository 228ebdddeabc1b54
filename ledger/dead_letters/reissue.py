"""Reissue: makes new jobs with new requestIds from refused lines, which the new ones replace."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, select

from issuance.customer import Customer
from issuance.derived_keys import Purpose
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line
from issuance.redrive.narrow import narrow_scope
from issuance.redrive.reissue import next_generation_id, reissue_body
from issuance.request_id import CampaignIds
from issuance.states import State
from ledger.campaign_ids import ids_of_campaigns
from ledger.dead_letters.locking import LockedDeadLetter
from ledger.intake.insertion import insert_jobs
from ledger.replacement import replace_lines
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import jobs, lines
from ledger.store.secret import Keys


def reissue(
    connection: Connection, rows: Sequence[LockedDeadLetter], due_at: Sequence[int], keys: Keys
) -> dict[int, dict[str, str]]:
    """Make the next generation of the dead letters' jobs, with only the lines that failed.

    Args:
        connection: the transaction, which has locked jobs and letters.
        rows: the dead letters, each with a line that failed.
        due_at: when each new job is due, by the ledger's clock.
        keys: the ledger's.

    Returns:
        By dead letter: the lines' new requestIds by their old ones. The first is the new job's id.
    """
    olds = _jobs(connection, [row.job_number for row in rows])
    of_jobs = _lines(connection, list(olds))
    ids = ids_of_campaigns(connection, {row.campaign_id for row in rows}, keys)
    renamed = {
        row.id: _rename(ids[row.campaign_id], olds[row.job_number], of_jobs[row.job_number])
        for row in rows
    }
    due = dict(zip((row.id for row in rows), due_at, strict=True))
    by_intake = sorted(
        rows, key=lambda row: (row.campaign_id, olds[row.job_number].intake_id or 0, row.id)
    )
    for (campaign_id, intake_id), group in groupby(
        by_intake, key=lambda row: (row.campaign_id, olds[row.job_number].intake_id)
    ):
        letters = list(group)
        successors = [
            _successor(olds[row.job_number], of_jobs[row.job_number], renamed[row.id])
            for row in letters
        ]
        reissue_of = {
            job.id: olds[row.job_number].id for job, row in zip(successors, letters, strict=True)
        }
        numbers = insert_jobs(
            connection,
            campaign_id,
            successors,
            customer_key=keys[Purpose.CUSTOMERS],
            intake_id=intake_id,
            reissue_of=reissue_of,
        )
        pairs = [(due[row.id], number) for row, number in zip(letters, numbers, strict=True)]
        dialect_of(connection).execute_rows(
            connection, "UPDATE jobs SET due_at = ? WHERE number = ?", pairs
        )
    replace_lines(connection, {old: new for each in renamed.values() for old, new in each.items()})
    _pass_on(
        connection, {letter_id: next(iter(new.values())) for letter_id, new in renamed.items()}
    )
    return renamed


class _OldJob(NamedTuple):
    number: int
    id: str
    intake_id: int | None
    source_line: int
    lane: str
    customer: str
    variant: str
    body: bytes
    occurrence: int
    generation: int
    scope: str | None
    traceparent: str | None


class _OldLine(NamedTuple):
    job_number: int
    request_id: str
    reward_id: int
    requested_quantity: int
    org_id: int | None
    reward_external_id: str | None
    state: str


def _jobs(connection: Connection, numbers: list[int]) -> dict[int, _OldJob]:
    query = select(*(jobs.c[name] for name in _OldJob._fields)).where(jobs.c.number.in_(numbers))
    return {row.number: row for row in map(_OldJob._make, connection.execute(query))}


def _lines(connection: Connection, numbers: list[int]) -> dict[int, list[_OldLine]]:
    query = (
        select(*(lines.c[name] for name in _OldLine._fields))
        .where(lines.c.job_number.in_(numbers))
        .order_by(lines.c.job_number, lines.c.position)
    )
    rows = map(_OldLine._make, connection.execute(query))
    return {number: list(group) for number, group in groupby(rows, attrgetter("job_number"))}


def _rename(ids: CampaignIds, old: _OldJob, of_job: list[_OldLine]) -> dict[str, str]:
    """Derive the next requestIds: as the campaign's were, or from the old one if a key made it."""
    renamed = {}
    for line in of_job:
        if line.state == State.FAILED:
            customer = Customer.parse(old.customer)
            derive = partial(
                ids.derive,
                customer,
                line.reward_id if line.reward_external_id is None else line.reward_external_id,
                occurrence=old.occurrence,
            )
            is_derived = derive(generation=old.generation) == line.request_id
            new = (
                derive(generation=old.generation + 1)
                if is_derived
                else next_generation_id(line.request_id)
            )
            renamed[line.request_id] = new
    return renamed


def _successor(old: _OldJob, of_job: list[_OldLine], renamed: dict[str, str]) -> Job:
    body, new_lines = reissue_body(
        Variant(old.variant),
        old.body,
        [
            Line(
                line.request_id,
                line.reward_id,
                line.requested_quantity,
                line.org_id,
                reward_external_id=line.reward_external_id,
            )
            for line in of_job
        ],
        renamed,
    )
    return Job(
        customer=Customer.parse(old.customer),
        lines=new_lines,
        variant=Variant(old.variant),
        body=body,
        lane=Lane(old.lane),
        occurrence=old.occurrence,
        generation=old.generation + 1,
        source_line=old.source_line,
        scope=narrow_scope(old.scope, new_lines),
        traceparent=old.traceparent,
    )


def _pass_on(connection: Connection, reissued_as: dict[int, str]) -> None:
    """Mark the dead letters as reissued."""
    now = connection.scalar(select(now_ms()))
    rows = [(job_id, now, letter_id) for letter_id, job_id in reissued_as.items()]
    statement = (
        "UPDATE dead_letters SET state = 'redriven', reissued_as = ?, changed_at = ? WHERE id = ?"
    )
    dialect_of(connection).execute_rows(connection, statement, rows)
