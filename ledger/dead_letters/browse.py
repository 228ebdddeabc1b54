"""Dead letters for operators: lists, counts, and one with its history."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from issuance.customer import ERASED, Customer
from issuance.outcome import Reason
from issuance.redrive.rules import Case
from issuance.states import CampaignState, DeadLetterState, State
from ledger.audit_log import AuditEntry, actions_on, letter_target
from ledger.queries.outcomes import LineRecord, lines_of_job
from ledger.store.clock import instant
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import attempts, campaigns, jobs, lines
from ledger.store.schema import dead_letters as letters

_READ_AT_ONCE = 1_000
_OF_LETTER = jobs.alias("of_letter")


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; all given fields must match."""

    campaign: str | None = None
    reason: Reason | None = None
    code: int | None = None
    state: DeadLetterState | None = DeadLetterState.OPEN
    """None: any."""
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter."""

    id: int
    state: DeadLetterState
    reason: Reason
    code: int | None
    message: str
    campaign: str
    job_id: str
    customer: Customer
    attempts: int
    openings: int
    """How often it was opened: more than once if redrives failed."""
    reissued_as: str | None
    opened_at: datetime | None
    changed_at: datetime | None
    case: Case
    """Decides which redrive is allowed."""
    vouchers: tuple[str, ...] = ()
    """Those that replies have shown of its job."""

    @property
    def known(self) -> tuple[str, ...]:
        """What masked texts about it must not show: the customer's identifier, and vouchers."""
        return (self.customer.value, *self.vouchers)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One HTTP call as the ledger stores it."""

    number: int
    started_at: datetime | None
    took_seconds: float
    kind: str
    decision: str
    http_status: int | None
    code: int | None
    message: str | None
    tracking_id: str | None
    worker: str
    reply: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetterStory:
    """A dead letter with its job's lines, attempts and actions."""

    letter: DeadLetter
    body: bytes
    lines: list[LineRecord]
    attempts: list[AttemptRecord]
    actions: list[AuditEntry]

    @property
    def account(self) -> str:
        """The API account of its campaign."""
        return self.lines[0].account


def list_dead_letters(
    ledger: Ledger, chosen: DeadLetterFilter, *, limit: int | None = None
) -> Iterator[DeadLetter]:
    """Stream the matching dead letters, oldest first."""
    with ledger.read() as connection:
        ids = dead_letter_ids(connection, chosen, limit=limit)
        for start in range(0, len(ids), _READ_AT_ONCE):
            some = _LETTERS.where(letters.c.id.in_(ids[start : start + _READ_AT_ONCE])).order_by(
                letters.c.id
            )
            rows = connection.execute(some).all()
            shown = _vouchers_of(connection, [row.job_number for row in rows])
            for row in rows:
                yield _letter(row, shown.get(row.job_number, ()))


def dead_letter_ids(
    connection: Connection, chosen: DeadLetterFilter, *, limit: int | None = None
) -> "array[int]":
    """Return the ids of matching dead letters, oldest first, 8 bytes each.

    They are found before anything else is read, because a database without statistics may sort
    all columns of a query.
    """
    query = select(letters.c.id).join(campaigns, campaigns.c.id == letters.c.campaign_id)
    ordered = filtered(query, chosen).order_by(letters.c.id)
    return array("q", connection.scalars(ordered if limit is None else ordered.limit(limit)))


def count_dead_letters(ledger: Ledger, chosen: DeadLetterFilter) -> int:
    """Count the matching dead letters."""
    query = select(func.count()).select_from(
        letters.join(campaigns, campaigns.c.id == letters.c.campaign_id)
    )
    with ledger.read() as connection:
        return connection.scalar(filtered(query, chosen)) or 0


def show_dead_letter(ledger: Ledger, letter_id: int) -> DeadLetterStory:
    """Return a dead letter with its history.

    Raises:
        LedgerError: there is no dead letter with this id.
    """
    with ledger.read() as connection:
        row = connection.execute(
            _LETTERS.add_columns(jobs.c.body).where(letters.c.id == letter_id)
        ).one_or_none()
        if row is None:
            raise LedgerError(
                f"There is no dead letter {letter_id}: `issuance dead-letters list` shows them"
            )
        made = _attempts(connection, attempts.c.job_number == row.job_number)
        vouchers = _vouchers_of(connection, [row.job_number]).get(row.job_number, ())
    of_job = lines_of_job(ledger, row.job_id)
    return DeadLetterStory(
        _letter(row, vouchers), row.body, of_job, made, actions_on(ledger, letter_target(letter_id))
    )


def _vouchers_of(connection: Connection, job_numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the vouchers of those jobs that have any."""
    query = select(lines.c.job_number, lines.c.vouchers).where(
        lines.c.job_number.in_(job_numbers), lines.c.vouchers.is_not(None)
    )
    shown: dict[int, tuple[str, ...]] = {}
    for number, vouchers in connection.execute(query):
        shown[number] = (*shown.get(number, ()), *from_json(vouchers))
    return shown


def attempts_in(connection: Connection, job_number: int) -> list[AttemptRecord]:
    """Return a job's calls, the oldest first, within a transaction."""
    return _attempts(connection, attempts.c.job_number == job_number)


def letter_of_job_in(connection: Connection, job_number: int) -> DeadLetter | None:
    """Return a job's dead letter within a transaction; None: it has none."""
    row = connection.execute(_LETTERS.where(letters.c.job_number == job_number)).one_or_none()
    if row is None:
        return None
    return _letter(row, _vouchers_of(connection, [job_number]).get(job_number, ()))


def _attempts(connection: Connection, condition: ColumnElement[bool]) -> list[AttemptRecord]:
    query = select(attempts).where(condition).order_by(attempts.c.number)
    return [_attempt(attempt) for attempt in connection.execute(query)]


def filtered(query: Select[Any], chosen: DeadLetterFilter) -> Select[Any]:
    """Add the filter to a query on dead letters joined with campaigns."""
    conditions = {
        campaigns.c.name: chosen.campaign,
        letters.c.reason: chosen.reason,
        letters.c.code: chosen.code,
        letters.c.state: chosen.state,
    }
    for column, value in conditions.items():
        if value is not None:
            query = query.where(column == value)
    return query.where(letters.c.id.in_(chosen.ids)) if chosen.ids else query


CASE: tuple[ColumnElement[Any], ...] = (
    letters.c.state,
    letters.c.reason,
    letters.c.reissued_as,
    campaigns.c.name.label("campaign"),
    campaigns.c.state.label("campaign_state"),
    select(lines.c.position)
    .where(lines.c.job_number == letters.c.job_number, lines.c.state == State.FAILED)
    .exists()
    .label("has_refused_line"),
    select(_OF_LETTER.c.number)
    .where(_OF_LETTER.c.number == letters.c.job_number, _OF_LETTER.c.customer == str(ERASED))
    .exists()
    .label("customer_erased"),
)
"""The columns that `case_of` takes, from dead letters joined with their campaigns."""


def case_of(values: Sequence[Any]) -> Case:
    """Build the case from the values of `CASE`, in its order."""
    state, reason, reissued_as, campaign, campaign_state, has_refused_line, erased = values
    return Case(
        state=DeadLetterState(state),
        reason=Reason(reason),
        campaign=campaign,
        campaign_cancelled=campaign_state == CampaignState.CANCELLED,
        reissued_as=reissued_as,
        has_refused_line=bool(has_refused_line),
        customer_erased=bool(erased),
    )


_LETTERS = (
    select(*CASE, letters.c.id, letters.c.job_number, letters.c.code, letters.c.message)
    .add_columns(letters.c.openings, letters.c.opened_at, letters.c.changed_at)
    .add_columns(jobs.c.id.label("job_id"), jobs.c.customer, jobs.c.attempts)
    .join(jobs, jobs.c.number == letters.c.job_number)
    .join(campaigns, campaigns.c.id == letters.c.campaign_id)
)


def _letter(row: Row[Any], vouchers: tuple[str, ...]) -> DeadLetter:
    case = case_of(row[: len(CASE)])
    return DeadLetter(
        id=row.id,
        state=case.state,
        reason=case.reason,
        code=row.code,
        message=row.message,
        campaign=case.campaign,
        job_id=row.job_id,
        customer=Customer.parse(row.customer),
        attempts=row.attempts,
        openings=row.openings,
        reissued_as=case.reissued_as,
        opened_at=instant(row.opened_at),
        changed_at=instant(row.changed_at),
        case=case,
        vouchers=vouchers,
    )


def _attempt(row: Row[Any]) -> AttemptRecord:
    return AttemptRecord(
        number=row.number,
        started_at=instant(row.started_at),
        took_seconds=row.took_ms / 1000,
        kind=row.kind,
        decision=row.decision,
        http_status=row.http_status,
        code=row.code,
        message=row.message,
        tracking_id=row.tracking_id,
        worker=row.worker,
        reply=row.reply,
    )
