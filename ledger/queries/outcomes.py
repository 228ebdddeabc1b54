"""Outcomes: what is known of each line, for exports and tables."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pydantic_core import from_json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from issuance.customer import Customer
from issuance.details.details import Details
from issuance.details.stored import read_details
from issuance.states import OPEN, State
from ledger.audit_log import LINE
from ledger.campaigns import Campaign
from ledger.store.clock import instant
from ledger.store.database import Ledger
from ledger.store.schema import IS_OPEN, IS_SETTLED_LINE, audit_log, campaigns, jobs, lines

_READ_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A line as the ledger has it."""

    request_id: str
    job_id: str
    campaign: str
    customer: Customer
    reward_id: int
    state: State
    code: int | None
    message: str | None
    requested_quantity: int
    quantity: int | None
    transaction_ids: tuple[str, ...]
    vouchers: tuple[str, ...]
    points_references: tuple[str, ...]
    anomalies: tuple[str, ...]
    attempts: int
    settled_at: datetime | None
    revoked_at: datetime | None
    """When an operator revoked it, after it was issued."""
    account: str = "default"
    org_id: int | None = None
    """The row's; else the answer's."""
    reward_external_id: str | None = None
    details: Details = field(default_factory=Details)
    source_line: int = 0
    """The row of its file at which its job begins; 0: it came from no file."""

    @property
    def reward(self) -> int | str:
        """The reward as the row named it: its external id, or else its id."""
        return self.reward_id if self.reward_external_id is None else self.reward_external_id

    @property
    def known(self) -> tuple[str, ...]:
        """What masked texts about it must not show: the customer's identifier, and vouchers."""
        return (self.customer.value, *self.vouchers)


def outcomes(
    ledger: Ledger, campaign: Campaign, *, states: Collection[State] = ()
) -> Iterator[LineRecord]:
    """Stream a campaign's lines in order of acceptance; memory does not grow with the campaign.

    All lines are read from one consistent state; `states` empty: lines in any state.
    """
    query = _LINES.where(lines.c.campaign_id == campaign.id)
    if states:
        query = query.where(_is_in(states))
    with ledger.read() as connection:
        streamed = connection.execution_options(yield_per=_READ_AT_ONCE)
        for row in streamed.execute(query.order_by(lines.c.job_number, lines.c.position)):
            yield _record(row)


LinePlace = tuple[int, int]
"""The number of a line's job, and its position there."""


def settled_page(
    connection: Connection, campaign_id: int, state: State, *, after: LinePlace, limit: int
) -> list[tuple[LinePlace, LineRecord]]:
    """Return lines of a settled state that were accepted after a line, in order of acceptance.

    Their places are found first, because a database may sort all columns of a query.
    """
    places = select(lines.c.job_number, lines.c.position).where(
        lines.c.campaign_id == campaign_id,
        IS_SETTLED_LINE,
        lines.c.state == state,
        lines.c.job_number >= after[0],
        tuple_(lines.c.job_number, lines.c.position) > tuple_(*map(literal, after)),
    )
    ordered = places.order_by(lines.c.job_number, lines.c.position).limit(limit)
    chosen = [(number, position) for number, position in connection.execute(ordered)]
    records = lines_of_jobs_in(connection, {number for number, _ in chosen})
    return [(place, records[place]) for place in chosen]


def _is_in(states: Collection[State]) -> ColumnElement[bool]:
    settled = [state for state in states if state not in OPEN]
    unsettled = [state for state in states if state in OPEN]
    is_settled = and_(IS_SETTLED_LINE, lines.c.state.in_(settled))
    is_open = and_(IS_OPEN, lines.c.state == State.WAITING, jobs.c.state.in_(unsettled))
    if not unsettled:
        return is_settled
    return or_(is_settled, is_open) if settled else is_open


def find_line(ledger: Ledger, request_id: str) -> LineRecord | None:
    """Find a line by its requestId."""
    with ledger.read() as connection:
        row = connection.execute(_LINES.where(lines.c.request_id == request_id)).one_or_none()
    return None if row is None else _record(row)


def lines_of_job(ledger: Ledger, job_id: str) -> list[LineRecord]:
    """Return the lines of the job that has a line with this requestId, in the order of its body."""
    with ledger.read() as connection:
        return lines_of_job_in(connection, job_id)


def lines_of_job_in(connection: Connection, job_id: str) -> list[LineRecord]:
    """Return the same as `lines_of_job`, within a transaction."""
    number = select(lines.c.job_number).where(lines.c.request_id == job_id).scalar_subquery()
    rows = connection.execute(_LINES.where(lines.c.job_number == number).order_by(lines.c.position))
    return [_record(row) for row in rows]


def lines_of_jobs_in(
    connection: Connection, job_numbers: Collection[int]
) -> dict[tuple[int, int], LineRecord]:
    """Return the lines of at most a few thousand jobs, by the job's number and the position."""
    rows = connection.execute(_LINES.where(lines.c.job_number.in_(job_numbers)))
    return {(row.job_number, row.position): _record(row) for row in rows}


_REVOKED_AT = (
    select(func.max(audit_log.c.at))
    .where(audit_log.c.target == literal(LINE) + lines.c.request_id, audit_log.c.verb == "revoked")
    .correlate(lines)
    .scalar_subquery()
)
_LINES = (
    select(
        lines,
        jobs.c.id.label("job_id"),
        jobs.c.customer,
        jobs.c.attempts,
        jobs.c.source_line,
        campaigns.c.name.label("campaign"),
        campaigns.c.account,
        case((lines.c.state == State.REVOKED, _REVOKED_AT)).label("revoked_at"),
        case((lines.c.state == State.WAITING, jobs.c.state), else_=lines.c.state).label(
            "exact_state"
        ),
    )
    .join(jobs, jobs.c.number == lines.c.job_number)
    .join(campaigns, campaigns.c.id == lines.c.campaign_id)
)


def _record(row: Row[tuple[object, ...]]) -> LineRecord:
    vouchers = _texts(row.vouchers)
    details = read_details(row.details, vouchers, row.points) or Details()
    return LineRecord(
        request_id=row.request_id,
        job_id=row.job_id,
        campaign=row.campaign,
        customer=Customer.parse(row.customer),
        reward_id=row.reward_id or details.fields.get("rewardId") or 0,
        state=State(row.exact_state),
        code=row.code,
        message=row.message,
        requested_quantity=row.requested_quantity,
        quantity=row.quantity,
        transaction_ids=_texts(row.transaction_ids),
        vouchers=vouchers,
        points_references=_texts(row.points_references),
        anomalies=_texts(row.anomalies),
        attempts=row.attempts,
        settled_at=instant(row.settled_at),
        revoked_at=instant(row.revoked_at),
        account=row.account,
        org_id=details.fields.get("orgId") if row.org_id is None else row.org_id,
        reward_external_id=row.reward_external_id,
        details=details,
        source_line=row.source_line,
    )


def _texts(stored: str | None) -> tuple[str, ...]:
    return tuple(from_json(stored)) if stored else ()
