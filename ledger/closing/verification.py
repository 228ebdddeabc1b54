"""Comparisons of a campaign with the API's transactions: begun, continued after a crash, ended."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from heapq import nsmallest
from typing import Any

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from issuance.closing.comparison import Finding, RecordedLine
from issuance.closing.sampling import sample_size
from issuance.customer import ERASED, Customer
from issuance.endpoint import Variant
from issuance.states import State
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.campaigns import Campaign
from ledger.closing.readiness import basis_of, lock_closable
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import findings, jobs, lines, verifications

_READ_AT_ONCE = 10_000
_BEFORE_ALL = -1


class Mode(StrEnum):
    """How a campaign is compared with the API."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


class StaleComparisonError(LedgerError):
    """Another process continued the comparison, or the campaign changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison as the ledger has it."""

    id: int
    campaign: Campaign
    mode: Mode
    seed: str
    basis: str
    next_position: int
    """Jobs up to this number were compared."""
    total: int
    """The lines to compare; for a sample, those that were drawn."""
    population: int
    """The lines that can be compared: the sample is drawn from them."""
    checked: int
    differing: int
    is_finished: bool


@dataclass(frozen=True, slots=True)
class ComparedJob:
    """A job to compare, with its lines. Holds personal data."""

    number: int
    transaction_number: str
    customer: Customer
    variant: Variant
    scope: str | None
    first_claimed_at: Any
    lines: tuple[RecordedLine, ...]
    checked: int
    """How many of its lines can be compared."""


_CAN_BE_COMPARED: ColumnElement[bool] = and_(
    # What was never sent left nothing at the API, and without a customer nothing can be found.
    lines.c.state.not_in((State.WAITING, State.CANCELLED)),
    jobs.c.customer != str(ERASED),
)
_WITH_JOBS = lines.join(jobs, jobs.c.number == lines.c.job_number)


def begin_comparison(ledger: Ledger, name: str, mode: Mode, operator: Operator) -> Comparison:
    """Begin a comparison, or continue the last one if nothing has changed since it began.

    Raises:
        CampaignError: the campaign cannot be closed.
    """
    with ledger.write() as connection:
        campaign = lock_closable(connection, name)
        basis = basis_of(connection, campaign)
        earlier = connection.execute(
            select(verifications)
            .where(
                verifications.c.campaign_id == campaign.id,
                verifications.c.mode == mode,
                verifications.c.basis == basis,
            )
            .order_by(verifications.c.id.desc())
            .limit(1)
        ).one_or_none()
        if earlier is not None:
            return _comparison(earlier, campaign)
        population = _population(connection, campaign.id) if mode is not Mode.NONE else 0
        total = sample_size(population) if mode is Mode.SAMPLE else population
        values = {
            "campaign_id": campaign.id,
            "mode": mode.value,
            "seed": secrets.token_hex(8),
            "basis": basis,
            "next_position": _BEFORE_ALL,
            "population": population,
            "total": total,
            "checked": 0,
            "differing": 0,
        }
        row = connection.execute(
            insert(verifications).values(started_at=now_ms(), **values).returning(verifications)
        ).one()
        if mode is not Mode.NONE:
            record_action(
                connection,
                operator,
                verb="verify",
                target=campaign_target(campaign.name),
                after=f"{mode}: {total} of {population} lines, seed {values['seed']}",
            )
        return _comparison(row, campaign)


def sampled_jobs(ledger: Ledger, comparison: Comparison) -> list[int]:
    """Draw the sample: the numbers of its jobs, in order. All lines of such a job are compared.

    The lines with the smallest digests of seed and requestId are drawn: anybody who has both can
    draw the same sample, and lines that are removed meanwhile change nothing for the others.
    """
    query = (
        select(lines.c.request_id, lines.c.job_number)
        .select_from(_WITH_JOBS)
        .where(lines.c.campaign_id == comparison.campaign.id, _CAN_BE_COMPARED)
    )
    seed = comparison.seed.encode()
    with ledger.read() as connection:
        rows = connection.execution_options(yield_per=_READ_AT_ONCE).execute(query)
        drawn = nsmallest(
            comparison.total,
            ((sha256(seed + name.encode()).digest(), number) for name, number in rows),
        )
    return sorted({number for _, number in drawn})


def jobs_after(
    ledger: Ledger, comparison: Comparison, position: int, limit: int
) -> list[ComparedJob]:
    """Read the next jobs of the campaign, in the order of their numbers."""
    query = (
        select(jobs.c.number)
        .where(
            jobs.c.number > position,
            jobs.c.campaign_id == comparison.campaign.id,
            select(lines.c.job_number)
            .where(lines.c.job_number == jobs.c.number, _CAN_BE_COMPARED)
            .exists(),
        )
        .order_by(jobs.c.number)
        .limit(limit)
    )
    with ledger.read() as connection:
        return _read_jobs(connection, connection.scalars(query).all())


def jobs_numbered(ledger: Ledger, numbers: Collection[int]) -> list[ComparedJob]:
    """Read these jobs, in the order of their numbers; those that were removed are left out."""
    with ledger.read() as connection:
        return _read_jobs(connection, numbers)


def jobs_with_findings(ledger: Ledger, comparison: Comparison) -> list[int]:
    """Return the numbers of the jobs whose lines differ."""
    query = (
        select(lines.c.job_number)
        .join(findings, findings.c.request_id == lines.c.request_id)
        .where(_OPEN_FINDING, findings.c.verification_id == comparison.id)
        .distinct()
        .order_by(lines.c.job_number)
    )
    with ledger.read() as connection:
        return list(connection.scalars(query))


def record_compared(
    ledger: Ledger,
    comparison: Comparison,
    compared: Sequence[ComparedJob],
    found: Sequence[Finding],
) -> Comparison:
    """Record that jobs were compared, with what differs, in one transaction.

    Raises:
        StaleComparisonError: another process has continued the comparison.
    """
    with ledger.write() as connection:
        _insert_findings(connection, comparison, found)
        moved = connection.execute(
            update(verifications)
            .where(
                verifications.c.id == comparison.id,
                verifications.c.next_position == comparison.next_position,
            )
            .values(
                next_position=compared[-1].number,
                checked=verifications.c.checked + sum(job.checked for job in compared),
                differing=_DIFFERING,
            )
            .returning(verifications)
        ).one_or_none()
        if moved is None:
            raise StaleComparisonError(
                f"Another process compares campaign {comparison.campaign.name}: wait until it has "
                "finished"
            )
        return _comparison(moved, comparison.campaign)


def record_read_again(
    ledger: Ledger, comparison: Comparison, again: Sequence[ComparedJob], found: Sequence[Finding]
) -> Comparison:
    """Record what still differs in jobs that were read again; the other findings are resolved."""
    names = [line.request_id for job in again for line in job.lines]
    with ledger.write() as connection:
        connection.execute(
            update(findings)
            .where(
                findings.c.verification_id == comparison.id,
                findings.c.request_id.in_(names),
                _OPEN_FINDING,
            )
            .values(resolved_at=now_ms())
        )
        _insert_findings(connection, comparison, found)
        row = connection.execute(_count_differing(comparison)).one()
        return _comparison(row, comparison.campaign)


def finish_comparison(ledger: Ledger, comparison: Comparison, operator: Operator) -> Comparison:
    """Record that all lines were compared.

    Raises:
        StaleComparisonError: the campaign has changed since the comparison began.
        CampaignError: the campaign cannot be closed any more.
    """
    with ledger.write() as connection:
        campaign = lock_closable(connection, comparison.campaign.name)
        require_unchanged(connection, campaign, comparison)
        row = connection.execute(_count_differing(comparison, finished_at=now_ms())).one()
        if comparison.mode is not Mode.NONE:
            record_action(
                connection,
                operator,
                verb="verified",
                target=campaign_target(campaign.name),
                after=f"{row.checked} lines compared, {row.differing} differ",
            )
        return _comparison(row, campaign)


def require_unchanged(connection: Connection, campaign: Campaign, comparison: Comparison) -> None:
    """Make sure that the campaign is as it was when the comparison began."""
    if basis_of(connection, campaign) != comparison.basis:
        raise StaleComparisonError(
            f"Campaign {campaign.name} changed while it was compared: run this again"
        )


_OPEN_FINDING = findings.c.resolved_at.is_(None)
_DIFFERING = (
    select(func.count(findings.c.request_id.distinct()))
    .where(findings.c.verification_id == verifications.c.id, _OPEN_FINDING)
    .correlate(verifications)
    .scalar_subquery()
)


def _count_differing(comparison: Comparison, **values: Any) -> Any:
    return (
        update(verifications)
        .where(verifications.c.id == comparison.id)
        .values(differing=_DIFFERING, **values)
        .returning(verifications)
    )


def _population(connection: Connection, campaign_id: int) -> int:
    query = (
        select(func.count())
        .select_from(_WITH_JOBS)
        .where(lines.c.campaign_id == campaign_id, _CAN_BE_COMPARED)
    )
    return connection.scalar(query) or 0


def _insert_findings(
    connection: Connection, comparison: Comparison, found: Sequence[Finding]
) -> None:
    rows = [
        {
            "verification_id": comparison.id,
            "campaign_id": comparison.campaign.id,
            "request_id": each.request_id,
            "kind": each.kind.value,
            "ledger_units": each.ledger_units,
            "api_units": each.api_units,
            "transaction_ids": " ".join(each.transaction_ids),
        }
        for each in found
    ]
    if rows:
        connection.execute(insert(findings).values(at=now_ms()), rows)


def _read_jobs(connection: Connection, numbers: Collection[int]) -> list[ComparedJob]:
    query = (
        select(
            jobs.c.id,
            jobs.c.transaction_number,
            jobs.c.customer,
            jobs.c.variant,
            jobs.c.scope,
            jobs.c.first_claimed_at,
            lines,
            _CAN_BE_COMPARED.label("is_compared"),
        )
        .select_from(_WITH_JOBS)
        .where(jobs.c.number.in_(list(numbers)))
        .order_by(lines.c.job_number, lines.c.position)
    )
    by_job: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(query):
        by_job.setdefault(row.job_number, []).append(row)
    return [_job(rows) for rows in by_job.values()]


def _job(rows: Sequence[Row[Any]]) -> ComparedJob:
    first = rows[0]
    return ComparedJob(
        first.job_number,
        first.transaction_number or first.id,
        Customer.parse(first.customer),
        Variant(first.variant),
        first.scope,
        instant(first.first_claimed_at),
        tuple(map(_line, rows)),
        sum(1 for row in rows if row.is_compared),
    )


def _line(row: Row[Any]) -> RecordedLine:
    return RecordedLine(
        row.request_id,
        State(row.state),
        row.reward_id,
        row.requested_quantity,
        row.quantity or 0,
        tuple(from_json(row.transaction_ids)) if row.transaction_ids else (),
        row.reward_external_id,
    )


def _comparison(row: Row[Any], campaign: Campaign) -> Comparison:
    return Comparison(
        row.id,
        campaign,
        Mode(row.mode),
        row.seed,
        row.basis,
        row.next_position,
        row.total,
        row.population,
        row.checked,
        row.differing,
        row.finished_at is not None,
    )
