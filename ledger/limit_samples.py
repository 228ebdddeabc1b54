"""Samples of the accounts' limits, for the reports of campaigns: a row whenever one changes."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, select

from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import limit_samples

_AT_ONCE = 1_000


class Limits(NamedTuple):
    """An account's limits, in calls a minute; None: there was no such limit."""

    rate: int | None
    adaptive_limit: int | None


def keep_limits(ledger: Ledger, account: str, limits: Limits) -> None:
    """Record the limits of this moment, unless they are those of the last row."""
    with ledger.write() as connection:
        last = _last(connection, account)
        if last is not None and last[1] == limits:
            return
        now = connection.scalar(select(now_ms())) or 0
        at = now if last is None else max(now, last[0] + 1)
        values = {"account": account, "at": at, **limits._asdict()}
        connection.execute(
            dialect_of(connection).upsert(
                limit_samples, values, keys=["account", "at"], changes=limits._asdict()
            )
        )


def _last(
    connection: Connection, account: str, before_ms: int | None = None
) -> tuple[int, Limits] | None:
    columns = limit_samples.c
    query = select(columns.at, columns.rate, columns.adaptive_limit).where(
        columns.account == account
    )
    if before_ms is not None:
        query = query.where(columns.at < before_ms)
    row = connection.execute(query.order_by(columns.at.desc()).limit(1)).one_or_none()
    return None if row is None else (row[0], Limits(*row[1:]))


def read_limits(
    connection: Connection, account: str, from_ms: int, until_ms: int
) -> Iterator[tuple[int, Limits]]:
    """Stream the limits of a time, each with when it began; the first may have begun before."""
    if (earlier := _last(connection, account, from_ms)) is not None:
        yield from_ms, earlier[1]
    columns = limit_samples.c
    query = (
        select(columns.at, columns.rate, columns.adaptive_limit)
        .where(columns.account == account, columns.at.between(from_ms, until_ms))
        .order_by(columns.at)
    )
    for at, *limits in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        yield at, Limits(*limits)


def prune_limits(ledger: Ledger, cutoff: int) -> None:
    """Remove what was in force before this time only."""
    columns, later = limit_samples.c, limit_samples.alias()
    is_over = exists().where(
        later.c.account == columns.account, later.c.at > columns.at, later.c.at <= cutoff
    )
    with ledger.write() as connection:
        connection.execute(delete(limit_samples).where(columns.at < cutoff, is_over))
