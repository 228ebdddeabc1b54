"""Finds lines by what an operator has of them, with indexes only."""

from uuid import UUID

from sqlalchemy import select

from issuance.request_id import keyed_request_id
from ledger.store.database import Ledger
from ledger.store.schema import jobs, lines

_LONGEST = 255
"""The longest number or key that a caller may give."""


def find_lines(ledger: Ledger, text: str) -> list[str]:
    """Return the requestIds that a text means, in the order of acceptance.

    Args:
        ledger: the record.
        text: a requestId, which is also the id of a job; a transactionNumber, or an idempotency
            key, that a caller gave.
    """
    if not text or len(text) > _LONGEST or not text.isprintable():
        return []
    among = _uuid(text) or keyed_request_id(text)
    by_id = select(lines.c.request_id).where(lines.c.request_id == among)
    numbered = select(jobs.c.number).where(jobs.c.transaction_number == text)
    by_number = (
        select(lines.c.request_id)
        .where(lines.c.job_number.in_(numbered))
        .order_by(lines.c.job_number, lines.c.position)
    )
    with ledger.read() as connection:
        return list(connection.scalars(by_id)) or list(connection.scalars(by_number))


def _uuid(text: str) -> str | None:
    """Return a UUID in the form in which requestIds are stored."""
    try:
        return str(UUID(text))
    except ValueError:
        return None
