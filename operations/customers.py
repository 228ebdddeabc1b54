"""What an operator can ask and do about one customer: see every line, and erase the customer."""

import re
from dataclasses import dataclass
from typing import Any

from issuance.customer import Customer
from issuance.masking import hide
from ledger.audit_effects import record_act
from ledger.queries.customers import CustomerLines, customer_lines
from ledger.queries.outcomes import LineRecord
from ledger.retention.erasure import Erased, erase, plan_erasure
from ledger.retention.pruning import compact
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.outcome_export import outcome_json
from operations.services import Services
from operations.time_zones import zone_of

_TELLING_DIGITS = 8
"""This many last digits of a mobile name its customer, however the rest is written."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a customer's lines, the newest jobs first."""

    lines: list[LineRecord]
    first: int
    """The place of the first line among all, from 1; 0 if there is none on this page."""
    total: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was carried out, and what the database may still hold of it."""

    done: Erased
    log_is_empty: bool
    """Whether no earlier version of a row is left in the write-ahead log."""
    is_overwritten: bool
    """Whether the database's file has no earlier version of a row; PostgreSQL has until VACUUM."""


@needs(Right.VIEW, reveal=Right.REVEAL)
def show_customer(
    subject: Subject,
    ledger: Ledger,
    customer: Customer,
    *,
    limit: int,
    page: int,
    reveal: bool = False,
    note: str = "",
) -> Page:
    """Return a page of a customer's lines over all campaigns.

    Args:
        subject: asks for it.
        ledger: the record.
        customer: the customer.
        limit: lines of a page.
        page: which page, from 1.
        reveal: whether it will be shown in the clear, which is recorded first. The entry names a
            line, not the customer.
        note: the reason for that.

    Raises:
        UsageError: the note names the customer, and the audit log would keep that.
    """
    _check_note(note, customer)
    skipped = (page - 1) * limit
    found: CustomerLines = customer_lines(ledger, customer, limit=limit, skipped=skipped)
    if reveal and found.lines:
        which = f"in the clear: {found.total} lines, among them {found.lines[0].request_id}"
        record_act(ledger, subject.acting(note), "reveal", "customer", after=which)
    return Page(found.lines, skipped + 1 if found.lines else 0, found.total)


def page_json(services: Services, page: Page, *, reveal: bool) -> dict[str, Any]:
    """Return a page for programs; customer, vouchers and texts are masked unless `reveal`."""
    return {
        "total": page.total,
        "first": page.first,
        "lines": [
            outcome_json(line, zone_of(services, line.account), reveal=reveal)
            for line in page.lines
        ],
    }


@needs(Right.ERASE)
def plan_customer_erasure(
    subject: Subject, ledger: Ledger, customer: Customer, note: str = ""
) -> Erased:
    """Count what erasing a customer would overwrite.

    Raises:
        NotErasableError: a line of the customer is not settled.
        UsageError: the note names the customer, and the audit log would keep that.
    """
    _check_note(note, customer)
    return plan_erasure(ledger, customer)


@needs(Right.ERASE)
def erase_customer(
    subject: Subject, ledger: Ledger, customer: Customer, note: str, *, vacuum: bool = False
) -> Erasure:
    """Overwrite what the ledger knows of a customer, and empty the database's log.

    The log is emptied even if there is nothing to erase, in case an earlier run could not do it.

    Args:
        subject: asks for it.
        ledger: the record.
        customer: the customer.
        note: the reason; recorded with the subject, without the identifier.
        vacuum: also rewrite SQLite's file, or run PostgreSQL's VACUUM.

    Raises:
        NotErasableError: a line of the customer is not settled, maybe since the first were erased.
        UsageError: the note names the customer, and the audit log would keep that.
    """
    _check_note(note, customer)
    done = Erased(0, 0, 0)
    try:
        for each in erase(ledger, customer, subject.acting(note)):
            done = Erased(
                done.jobs + each.jobs,
                done.lines + each.lines,
                done.open_letters + each.open_letters,
            )
        if vacuum:
            compact(ledger)
    finally:
        log_is_empty = ledger.dialect.empty_log(ledger.engine)
    return Erasure(done, log_is_empty, ledger.dialect.overwrites)


def _check_note(note: str, customer: Customer) -> None:
    digits = re.sub(r"\D", "", note)
    is_named = hide(note, (customer.value,)) != note or (
        customer.kind == "mobile" and customer.value[-_TELLING_DIGITS:] in digits
    )
    if is_named:
        raise UsageError(
            "The note names the customer, and the audit log would keep it: write a ticket's number "
            "instead"
        )
