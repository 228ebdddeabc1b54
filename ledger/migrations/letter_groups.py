"""Fills the groups of the dead letters that exist, in pages."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from issuance.customer import ERASED
from issuance.dead_letter_groups import group_digest, message_pattern
from ledger.store.dialects.dialect import dialect_of

_PAGE = 5_000
_LETTERS = sa.text(
    "SELECT d.id, d.job_number, d.reason, d.code, d.message, j.customer "
    "FROM dead_letters d JOIN jobs j ON j.number = d.job_number "
    "WHERE d.id > :after ORDER BY d.id LIMIT :page"
)
_VOUCHERS = sa.text(
    "SELECT job_number, vouchers FROM lines WHERE job_number IN :numbers AND vouchers IS NOT NULL"
).bindparams(sa.bindparam("numbers", expanding=True))


def fill_groups(connection: sa.Connection) -> None:
    """Give each dead letter the group of its reason, code and message.

    Letters of erased customers have no message any more, and get none.
    """
    dialect = dialect_of(connection)
    groups: dict[bytes, int] = {}
    for page in _pages(connection):
        rows, added = [], []
        vouchers = _vouchers(connection, [letter.job_number for letter in page])
        for letter in page:
            if letter.customer == str(ERASED):
                continue
            known = (letter.customer.partition(":")[2], *vouchers.get(letter.job_number, ()))
            pattern = message_pattern(letter.message, known)
            digest = group_digest(letter.reason, letter.code, pattern)
            if digest not in groups:
                groups[digest] = len(groups) + 1
                added.append((digest, letter.reason, letter.code, pattern))
            rows.append((groups[digest], letter.id))
        dialect.insert_rows(
            connection, "dead_letter_groups", ("digest", "reason", "code", "pattern"), added
        )
        dialect.update_rows(
            connection, "dead_letters", {"group_id": "BIGINT"}, {"id": "BIGINT"}, rows
        )


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    after = 0
    while page := connection.execute(_LETTERS, {"after": after, "page": _PAGE}).all():
        after = page[-1].id
        yield list(page)


def _vouchers(connection: sa.Connection, numbers: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for number, vouchers in connection.execute(_VOUCHERS, {"numbers": numbers}):
        found.setdefault(number, []).extend(from_json(vouchers))
    return found
