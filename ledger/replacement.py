"""Replacement: a line that issued nothing gives way to a reissue or to a corrected row."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from issuance.states import State
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import replacements

_STATE = {"state": "text"}
_KEY = {"request_id": "text"}


def replace_lines(connection: Connection, replaced_by: Mapping[str, str]) -> None:
    """Make lines `replaced`, and record which line took the place of each.

    Args:
        connection: the transaction, which has locked their jobs.
        replaced_by: by the requestId of a line that issued nothing, that of the line in its place.
    """
    now = connection.scalar(select(now_ms()))
    dialect = dialect_of(connection)
    rows = [(State.REPLACED.value, request_id) for request_id in replaced_by]
    dialect.update_rows(connection, "lines", _STATE, _KEY, rows)
    dialect.insert_rows(
        connection,
        replacements.name,
        ("request_id", "replaced_by", "at"),
        [(old, new, now) for old, new in replaced_by.items()],
    )
