"""Finds lines by what an operator has of them, with indexes only."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Connection, select

from issuance.derived_keys import Purpose
from issuance.request_id import keyed_request_id
from issuance.search_key import SearchDigests
from ledger.search_keys import jobs_with_keys
from ledger.store.database import Ledger
from ledger.store.schema import jobs, lines

_LONGEST = 255
"""The longest number or key that a caller may give."""


def find_lines(ledger: Ledger, text: str) -> list[str]:
    """Return the requestIds that a text means, in the order of acceptance.

    Args:
        ledger: the record.
        text: a requestId, which is also the id of a job; a voucher in any case, or a transaction's
            id, that a reply showed; a transactionNumber, or an idempotency key, that a caller gave.
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
    digests = SearchDigests(ledger.key(Purpose.SEARCH))
    wanted = [digests.of_voucher(text), digests.of_transaction(text)]
    with ledger.read() as connection:
        return (
            list(connection.scalars(by_id))
            or list(connection.scalars(by_number))
            or list(_showing(connection, text, jobs_with_keys(connection, wanted)))
        )


def _showing(connection: Connection, text: str, numbers: Sequence[int]) -> Iterator[str]:
    """Return the lines of these jobs in which a reply showed a voucher or transaction."""
    if not numbers:
        return
    query = (
        select(lines.c.request_id, lines.c.vouchers, lines.c.transaction_ids)
        .where(lines.c.job_number.in_(numbers))
        .order_by(lines.c.job_number, lines.c.position)
    )
    folded = text.casefold()
    for request_id, vouchers, transaction_ids in connection.execute(query):
        if folded in map(str.casefold, _texts(vouchers)) or text in _texts(transaction_ids):
            yield request_id


def _texts(stored: str | None) -> list[str]:
    return from_json(stored) if stored else []


def _uuid(text: str) -> str | None:
    """Return a UUID in the form in which requestIds are stored."""
    try:
        return str(UUID(text))
    except ValueError:
        return None
