"""Dead letters for operators: lists, counts, and one with its history."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from issuance.customer import ERASED, Customer
from issuance.outcome import Reason
from issuance.redrive.bulk import ItemState
from issuance.redrive.rules import Case
from issuance.states import CampaignState, DeadLetterState, State
from ledger.audit_log import AuditEntry, actions_on, letter_target
from ledger.queries.outcomes import LineRecord, lines_of_job
from ledger.store.clock import instant
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import attempts, bulk_items, campaigns, jobs, lines
from ledger.store.schema import dead_letters as letters

_READ_AT_ONCE = 1_000
_OF_LETTER = jobs.alias("of_letter")


_T = TypeVar("_T")


def given(values: _T | tuple[_T, ...] | None) -> tuple[_T, ...]:
    """Return the values of a filter's field; () for none."""
    if values is None:
        return ()
    return values if isinstance(values, tuple) else (values,)


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant: all given fields must match, each with one of its values."""

    campaign: str | tuple[str, ...] | None = None
    reason: Reason | tuple[Reason, ...] | None = None
    code: int | tuple[int, ...] | None = None
    state: DeadLetterState | tuple[DeadLetterState, ...] | None = DeadLetterState.OPEN
    """None: any."""
    ids: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    """Ids of groups."""
    failed_of: int | None = None
    """The redrive whose failures are meant: letters that are open again, or of new jobs."""

    @property
    def campaigns(self) -> tuple[str, ...]:
        """The names of the campaigns; () for any."""
        return given(self.campaign)


@dataclass(frozen=True, slots=True)
class Held:
    """What the lines of a letter's job hold together."""

    vouchers: tuple[str, ...] = ()
    """Those that replies have shown."""
    rewards: tuple[str, ...] = ()
    """Each reward's id, or its external id, once."""
    units: int = 0
    """As far as replies have shown them."""
    requested: int = 0


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
    held: Held = Held()

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Those that replies have shown of its job."""
        return self.held.vouchers

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
    ledger: Ledger, chosen: DeadLetterFilter, *, limit: int | None = None, after: int = 0
) -> Iterator[DeadLetter]:
    """Stream the matching dead letters with larger ids than `after`, oldest first."""
    with ledger.read() as connection:
        ids = dead_letter_ids(connection, chosen, limit=limit, after=after)
        for start in range(0, len(ids), _READ_AT_ONCE):
            some = _LETTERS.where(letters.c.id.in_(ids[start : start + _READ_AT_ONCE])).order_by(
                letters.c.id
            )
            rows = connection.execute(some).all()
            held = _held_by(connection, [row.job_number for row in rows])
            for row in rows:
                yield _letter(row, held.get(row.job_number, _NOTHING))


def dead_letter_ids(
    connection: Connection, chosen: DeadLetterFilter, *, limit: int | None = None, after: int = 0
) -> "array[int]":
    """Return the ids of matching dead letters after one, oldest first, 8 bytes each.

    They are found before anything else is read, because a database without statistics may sort
    all columns of a query.
    """
    query = select(letters.c.id).join(campaigns, campaigns.c.id == letters.c.campaign_id)
    ordered = filtered(query, chosen).order_by(letters.c.id)
    if after:
        ordered = ordered.where(letters.c.id > after)
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
        held = _held_by(connection, [row.job_number]).get(row.job_number, _NOTHING)
    of_job = lines_of_job(ledger, row.job_id)
    return DeadLetterStory(
        _letter(row, held), row.body, of_job, made, actions_on(ledger, letter_target(letter_id))
    )


_NOTHING = Held()


def _held_by(connection: Connection, job_numbers: Sequence[int]) -> dict[int, Held]:
    """Return what the lines of jobs hold, by the job's number."""
    query = select(
        lines.c.job_number,
        lines.c.vouchers,
        lines.c.reward_id,
        lines.c.reward_external_id,
        lines.c.quantity,
        lines.c.requested_quantity,
    ).where(lines.c.job_number.in_(job_numbers))
    held: dict[int, Held] = {}
    for number, vouchers, reward_id, external_id, units, requested in connection.execute(
        query.order_by(lines.c.job_number, lines.c.position)
    ):
        before = held.get(number, _NOTHING)
        reward = str(reward_id) if external_id is None else external_id
        held[number] = Held(
            (*before.vouchers, *(from_json(vouchers) if vouchers else ())),
            tuple(dict.fromkeys((*before.rewards, reward))),
            before.units + (units or 0),
            before.requested + requested,
        )
    return held


def attempts_in(connection: Connection, job_number: int) -> list[AttemptRecord]:
    """Return a job's calls, the oldest first, within a transaction."""
    return _attempts(connection, attempts.c.job_number == job_number)


def letter_of_job_in(connection: Connection, job_number: int) -> DeadLetter | None:
    """Return a job's dead letter within a transaction; None: it has none."""
    row = connection.execute(_LETTERS.where(letters.c.job_number == job_number)).one_or_none()
    if row is None:
        return None
    return _letter(row, _held_by(connection, [job_number]).get(job_number, _NOTHING))


def _attempts(connection: Connection, condition: ColumnElement[bool]) -> list[AttemptRecord]:
    query = select(attempts).where(condition).order_by(attempts.c.number)
    return [_attempt(attempt) for attempt in connection.execute(query)]


def filtered(query: Select[Any], chosen: DeadLetterFilter) -> Select[Any]:
    """Add the filter to a query on dead letters joined with campaigns."""
    conditions: dict[ColumnElement[Any], tuple[Any, ...]] = {
        campaigns.c.name: chosen.campaigns,
        letters.c.reason: given(chosen.reason),
        letters.c.code: given(chosen.code),
        letters.c.state: given(chosen.state),
        letters.c.group_id: chosen.groups,
        letters.c.id: chosen.ids,
    }
    for column, values in conditions.items():
        if values:
            query = query.where(column == values[0] if len(values) == 1 else column.in_(values))
    return query if chosen.failed_of is None else query.where(_failed_in(chosen.failed_of))


def _failed_in(action_id: int) -> ColumnElement[bool]:
    """Whether a letter is a failure of a redrive: by the job whose settlement was the result."""
    failed = select(bulk_items.c.job_number).where(
        bulk_items.c.action_id == action_id,
        bulk_items.c.state == ItemState.DONE,
        bulk_items.c.result.not_in((State.ISSUED, DeadLetterState.DISCARDED)),
    )
    return letters.c.job_number.in_(failed)


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
    select(lines.c.position)
    .where(lines.c.job_number == letters.c.job_number, lines.c.state == State.REVOKED)
    .exists()
    .label("has_revoked_line"),
    select(_OF_LETTER.c.number)
    .where(_OF_LETTER.c.number == letters.c.job_number, _OF_LETTER.c.customer == str(ERASED))
    .exists()
    .label("customer_erased"),
)
"""The columns that `case_of` takes, from dead letters joined with their campaigns."""


def case_of(values: Sequence[Any]) -> Case:
    """Build the case from the values of `CASE`, in its order."""
    state, reason, reissued_as, campaign, campaign_state, refused_line, revoked_line, erased = (
        values
    )
    return Case(
        state=DeadLetterState(state),
        reason=Reason(reason),
        campaign=campaign,
        campaign_cancelled=campaign_state == CampaignState.CANCELLED,
        campaign_closed=campaign_state == CampaignState.CLOSED,
        reissued_as=reissued_as,
        has_refused_line=bool(refused_line),
        has_revoked_line=bool(revoked_line),
        customer_erased=bool(erased),
    )


_LETTERS = (
    select(*CASE, letters.c.id, letters.c.job_number, letters.c.code, letters.c.message)
    .add_columns(letters.c.openings, letters.c.opened_at, letters.c.changed_at)
    .add_columns(jobs.c.id.label("job_id"), jobs.c.customer, jobs.c.attempts)
    .join(jobs, jobs.c.number == letters.c.job_number)
    .join(campaigns, campaigns.c.id == letters.c.campaign_id)
)


def _letter(row: Row[Any], held: Held) -> DeadLetter:
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
        held=held,
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
