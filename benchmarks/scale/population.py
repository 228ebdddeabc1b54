"""Millions of jobs in minutes: the database itself copies one accepted job.

Of every hundred jobs, one is an open dead letter and the rest are issued, each with its line and
its attempt; the last tenth is waiting. The copies have requestIds in order. Only acceptance, which
reads requestIds at random, would notice, and it is measured with real ones.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table, text

from ledger.store.database import Ledger
from ledger.store.schema import attempts, dead_letters, jobs, lines

_AT_ONCE = 250_000
_WAITING_SHARE = 0.1
LETTER_OF = 100
"""One job in this many is a dead letter."""

_NUMBERS = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
    ),
    "postgresql": (
        "WITH n(i) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))"
    ),
}
ID = {
    "sqlite": "printf('%08x-0000-5000-8000-%012x', i, i)",
    "postgresql": "lpad(to_hex(i), 8, '0') || '-0000-5000-8000-' || lpad(to_hex(i), 12, '0')",
}
BODY = {
    "sqlite": "CAST(replace(CAST(t.body AS TEXT), t.id, {id}) AS BLOB)",
    "postgresql": "convert_to(replace(convert_from(t.body, 'UTF8'), t.id, {id}), 'UTF8')",
}
_IS_LETTER = f"i % {LETTER_OF} = 0"
_IS_SETTLED = "i <= :settled"


def fill(ledger: Ledger, count: int, *, waiting_share: float = _WAITING_SHARE) -> None:
    """Copy the ledger's first job until it holds `count` jobs, the last of them waiting."""
    with ledger.read() as connection:
        [template] = connection.scalars(text("SELECT min(number) FROM jobs")).all()
    settled = int(count * (1 - waiting_share))
    for first in range(template + 1, count + 1, _AT_ONCE):
        values = {
            "first": first,
            "last": min(count, first + _AT_ONCE - 1),
            "template": template,
            "settled": settled,
        }
        with ledger.write() as connection:
            if ledger.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            for statement in _statements(ledger.dialect.name):
                connection.execute(text(statement), values)
    with ledger.write() as connection:
        _complete(connection, count)
    if ledger.dialect.name == "postgresql":
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _complete(connection: Connection, count: int) -> None:
    """Set the campaign's count and, on PostgreSQL, the sequence of job numbers."""
    connection.execute(text("UPDATE campaigns SET accepted_lines = :count"), {"count": count})
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval('job_numbers', :count)"), {"count": count})


def _statements(dialect: str) -> Iterator[str]:
    yield copy_rows(dialect, jobs, _of_jobs(dialect), "jobs t WHERE t.number = :template")
    yield copy_rows(dialect, lines, _of_lines(dialect), "lines t WHERE t.job_number = :template")
    yield insert_rows(dialect, attempts, _OF_ATTEMPTS, f"n WHERE {_IS_SETTLED}")
    wanted = f"n, jobs t WHERE t.number = :template AND {_IS_LETTER} AND {_IS_SETTLED}"
    yield insert_rows(dialect, dead_letters, _OF_LETTERS, wanted)


_STATE = (
    f"CASE WHEN NOT {_IS_SETTLED} THEN 'waiting' WHEN {_IS_LETTER} THEN 'failed' ELSE 'issued' END"
)


def _of_jobs(dialect: str) -> dict[str, str]:
    key = ID[dialect]
    return {
        "number": "i",
        "id": key,
        "customer": "'mobile:91' || (9000000000 + i)",
        "body": BODY[dialect].format(id=key),
        "state": _STATE,
        "open_lines": f"CASE WHEN {_IS_SETTLED} THEN 0 ELSE 1 END",
        "attempts": f"CASE WHEN {_IS_SETTLED} THEN 1 ELSE 0 END",
        "settled_at": f"CASE WHEN {_IS_SETTLED} THEN t.accepted_at + i / 100 END",
    }


def _of_lines(dialect: str) -> dict[str, str]:
    if_settled = {
        "settled_at": "i / 100",
        "quantity": "1",
        "code": "200",
        "message": "'Reward issued successfully'",
        "transaction_ids": "'[\"7001\"]'",
        "vouchers": "'[\"C' || i || '\"]'",
    }
    return {
        "job_number": "i",
        "request_id": ID[dialect],
        "state": _STATE,
        **{
            column: f"CASE WHEN {_IS_SETTLED} THEN {value} END"
            for column, value in if_settled.items()
        },
    }


_OF_ATTEMPTS = {
    "job_number": "i",
    "number": "1",
    # Old, like most attempts of a large ledger.
    "started_at": "i",
    "took_ms": "50",
    "kind": f"CASE WHEN {_IS_LETTER} THEN 'failed' ELSE 'issued' END",
    "decision": f"CASE WHEN {_IS_LETTER} THEN 'settle failed' ELSE 'settle issued' END",
    "http_status": "200",
    "code": "200",
    "tracking_id": "'bench'",
    "worker": "'bench'",
}
_OF_LETTERS = {
    "job_number": "i",
    "campaign_id": "t.campaign_id",
    "state": "'open'",
    "reason": "'failed'",
    "code": "8003",
    "message": "'refused'",
    "openings": "1",
    **dict.fromkeys(("opened_at", "changed_at", "published_at"), "t.accepted_at"),
}


def copy_rows(dialect: str, table: Table, changed: Mapping[str, str], source: str) -> str:
    """Insert copies of one row with all its columns, some of them changed."""
    return insert_rows(
        dialect,
        table,
        {column.name: f"t.{column.name}" for column in table.c} | dict(changed),
        f"n, {source}",
    )


def insert_rows(dialect: str, table: Table, columns: Mapping[str, str], source: str) -> str:
    """Insert a row for each number from `:first` to `:last`, with these columns."""
    into, values = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO {table.name} ({into}) {_NUMBERS[dialect]} SELECT {values} FROM {source}"
