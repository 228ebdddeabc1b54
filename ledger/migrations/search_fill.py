"""Search keys of the lines that replies showed before the ledger had such keys."""

import sqlalchemy as sa
from pydantic_core import from_json

from issuance.derived_keys import Purpose
from issuance.search_key import SearchDigests
from ledger.search_keys import add_search_keys, key_rows
from ledger.store.secret import GIVEN, read_keys

_JOBS_AT_ONCE = 5_000
_PAGE = sa.text(
    "SELECT job_number, vouchers, transaction_ids FROM lines WHERE job_number > :after AND "
    "job_number <= :until AND (vouchers IS NOT NULL OR transaction_ids IS NOT NULL)"
)
_NEXT = sa.text("SELECT min(number) FROM jobs WHERE number > :after")


def fill_search_keys(connection: sa.Connection) -> None:
    """Write the keys of all lines, in pages in the order of the table."""
    given = connection.get_execution_options().get(GIVEN)
    digests = SearchDigests(read_keys(connection, given)[Purpose.SEARCH])
    after = -1
    while (first := connection.scalar(_NEXT, {"after": after})) is not None:
        until = first + _JOBS_AT_ONCE - 1
        rows = connection.execute(_PAGE, {"after": first - 1, "until": until})
        texts = [(number, _texts(codes), _texts(ids)) for number, codes, ids in rows]
        add_search_keys(connection, key_rows(digests, texts))
        after = until


def _texts(stored: str | None) -> list[str]:
    return from_json(stored) if stored else []
