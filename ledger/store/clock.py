"""The ledger's clock: whole milliseconds since 1970 in UTC, by the database, never by a worker."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger
from sqlalchemy.sql.functions import FunctionElement


class now_ms(FunctionElement[int]):  # noqa: N801  # reads as the SQL function it is
    """The database's present, the same within a statement; each dialect compiles it.

    Machines' clocks may differ; this one is shared.
    """

    type = BigInteger()
    inherit_cache = True


def milliseconds(seconds: float) -> int:
    """Convert seconds to milliseconds, rounding up so that a wait is never cut short."""
    return -int(-seconds * 1000 // 1)


def instant(ms: int | None) -> datetime | None:
    """Convert a ledger time to an aware datetime in UTC."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, tz=UTC)
