"""Erasure: overwrites what the ledger knows of a customer, and keeps what counts depend on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from issuance.customer import ERASED, Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose
from issuance.states import SETTLED, DeadLetterState, State
from ledger.audit_log import Operator, record_action
from ledger.queries.customers import jobs_of_customer
from ledger.retention.letter_groups import leave_groups
from ledger.search_keys import remove_search_keys
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import attempts, dead_letters, jobs, lines

_JOBS_AT_ONCE = 500
"""Jobs per transaction: few enough that workers hardly wait."""
_NAMED = 10


class NotErasableError(LedgerError):
    """A line of the customer is not settled. The message names it, and says what to do."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or would be."""

    jobs: int
    lines: int
    open_letters: int
    """Dead letters that are open: they can only be discarded afterwards."""


def plan_erasure(ledger: Ledger, customer: Customer) -> Erased:
    """Count what erasing a customer would overwrite.

    Raises:
        NotErasableError: a line of the customer is not settled.
    """
    digest = customer_digest(customer, ledger.key(Purpose.CUSTOMERS))
    with ledger.read() as connection:
        theirs = jobs_of_customer(connection, customer, digest)
        _check_settled(connection, theirs)
        numbers = select(jobs.c.number).where(theirs)
        return Erased(
            connection.scalar(select(func.count()).select_from(numbers.subquery())) or 0,
            _count(connection, lines.c.job_number.in_(numbers)),
            _count(connection, _is_open_letter(numbers)),
        )


def erase(ledger: Ledger, customer: Customer, operator: Operator) -> Iterator[Erased]:
    """Overwrite a customer's settled jobs in small transactions; yields what each one did.

    Overwritten are the identifier, the body, its `transactionNumber` if the caller gave it, all
    messages, replies, vouchers, references and details. Kept are requestIds, states, codes,
    quantities, points, times and the API's transaction ids.

    Each transaction overwrites whole jobs and records itself in the audit log, without the
    identifier. It is safe to stop after any of them and run again.

    Raises:
        NotErasableError: a line of the customer is not settled, maybe since an earlier transaction.
    """
    digest = customer_digest(customer, ledger.key(Purpose.CUSTOMERS))
    while True:
        with ledger.write() as connection:
            theirs = jobs_of_customer(connection, customer, digest)
            _check_settled(connection, theirs)
            # Locked with its state: a dead letter may be redriven meanwhile.
            chosen = (
                select(jobs.c.number)
                .where(theirs, _IS_SETTLED)
                .order_by(jobs.c.number)
                .limit(_JOBS_AT_ONCE)
                .with_for_update()
            )
            numbers = connection.scalars(chosen).all()
            if not numbers:
                return
            erased = Erased(
                len(numbers),
                _count(connection, lines.c.job_number.in_(numbers)),
                _count(connection, _is_open_letter(numbers)),
            )
            _overwrite(connection, numbers)
            _record(connection, erased, operator)
        yield erased


_IS_SETTLED = and_(jobs.c.state.in_(SETTLED), jobs.c.open_lines == 0)


def _check_settled(connection: Connection, theirs: ColumnElement[bool]) -> None:
    query = (
        select(lines.c.request_id)
        .join(jobs, jobs.c.number == lines.c.job_number)
        .where(theirs, ~_IS_SETTLED, lines.c.state == State.WAITING)
        .order_by(jobs.c.number, lines.c.position)
        .limit(_NAMED + 1)
    )
    unsettled = connection.scalars(query).all()
    if unsettled:
        more = " and more" if len(unsettled) > _NAMED else ""
        raise NotErasableError(
            f"Not settled yet: {', '.join(unsettled[:_NAMED])}{more}. Wait until it is, or cancel "
            "its campaign, then run this again"
        )


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).where(condition)) or 0


def _is_open_letter(numbers: object) -> ColumnElement[bool]:
    return and_(
        dead_letters.c.job_number.in_(numbers),  # type: ignore[arg-type]  # a list or a query
        dead_letters.c.state == DeadLetterState.OPEN,
    )


def _overwrite(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(
        update(lines)
        .where(lines.c.job_number.in_(numbers))
        .values(message=None, vouchers=None, points_references=None, anomalies=None, details=None)
    )
    remove_search_keys(connection, numbers)
    connection.execute(
        update(attempts)
        .where(attempts.c.job_number.in_(numbers))
        .values(message=None, tracking_id=None, reply=None)
    )
    connection.execute(
        update(dead_letters).where(dead_letters.c.job_number.in_(numbers)).values(message="")
    )
    leave_groups(connection, numbers)
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(numbers))
        .values(customer=str(ERASED), customer_digest=None, body=b"", transaction_number=None)
    )


def _record(connection: Connection, erased: Erased, operator: Operator) -> None:
    what = f"jobs: {erased.jobs}, lines: {erased.lines}"
    record_action(connection, operator, verb="erase", target="customer", after=what)
