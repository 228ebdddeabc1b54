"""The ledger's clock: times are whole milliseconds since 1970 in UTC, told by the database, never by a worker."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class now_ms(FunctionElement[int]):  # noqa: N801  # reads as the SQL function it is
    """The database's present, in milliseconds since 1970 (UTC). Machines' clocks may differ; this one is shared."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _sqlite(_element: now_ms, _compiler: Any, **_: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(now_ms, "postgresql")
def _postgresql(_element: now_ms, _compiler: Any, **_: Any) -> str:
    # Not clock_timestamp(): it may change within a statement, so no index on a time could be
    # searched by it.
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS BIGINT)"


def milliseconds(seconds: float) -> int:
    """Convert seconds to the ledger's unit, rounding up so that a wait is never cut short."""
    return -int(-seconds * 1000 // 1)


def instant(ms: int | None) -> datetime | None:
    """Read a ledger time as an aware datetime in UTC."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, tz=UTC)
