"""A customer's lines over all campaigns, found by the digest of the identifier."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select

from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose
from ledger.queries.outcomes import LineRecord, lines_of_jobs_in
from ledger.store.database import Ledger
from ledger.store.schema import jobs, lines


@dataclass(frozen=True, slots=True)
class CustomerLines:
    """A part of a customer's lines, the newest first."""

    lines: list[LineRecord]
    total: int
    """How many lines the ledger has of this customer; pruned ones have no customer any more."""


def customer_lines(
    ledger: Ledger, customer: Customer, *, limit: int, skipped: int = 0
) -> CustomerLines:
    """Return a customer's lines over all campaigns, the newest jobs first.

    Args:
        ledger: the record.
        customer: the customer.
        limit: the largest number of lines to return.
        skipped: how many newer lines to leave out.
    """
    digest = customer_digest(customer, ledger.key(Purpose.CUSTOMERS))
    with ledger.read() as connection:
        theirs = jobs_of_customer(connection, customer, digest)
        of_jobs = jobs.join(lines, lines.c.job_number == jobs.c.number)
        total = connection.scalar(select(func.count()).select_from(of_jobs).where(theirs)) or 0
        page = (
            select(lines.c.job_number, lines.c.position)
            .select_from(of_jobs)
            .where(theirs)
            .order_by(jobs.c.number.desc(), lines.c.position)
            .limit(limit)
            .offset(skipped)
        )
        keys = [(number, position) for number, position in connection.execute(page)]
        records = lines_of_jobs_in(connection, {number for number, _ in keys})
    return CustomerLines([records[key] for key in keys], total)


def jobs_of_customer(
    connection: Connection, customer: Customer, digest: int
) -> ColumnElement[bool]:
    """Return the condition of a customer's jobs.

    The index finds the digest, which other customers may share. So the condition also names the
    spellings of this customer that the ledger has: few, as those of one e-mail address.
    """
    stored = connection.scalars(
        select(jobs.c.customer).where(jobs.c.customer_digest == digest).distinct()
    )
    spellings = [text for text in stored if Customer.parse(text).canonical == customer.canonical]
    return and_(jobs.c.customer_digest == digest, jobs.c.customer.in_(spellings))
