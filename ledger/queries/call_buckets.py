"""How many calls were made in each of some short spans of time; reads only an index."""

from typing import NamedTuple

from sqlalchemy import func, literal_column, select

from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import attempts


class CallBuckets(NamedTuple):
    """Counts of calls."""

    now_ms: int
    """The ledger's time."""
    counts: dict[int, int]
    """By the number of the span since 1970; a span without calls is missing."""


def call_buckets(ledger: Ledger, *, span_ms: int, back_ms: int, since: int | None) -> CallBuckets:
    """Count calls by the span in which they began.

    Args:
        ledger: the record.
        span_ms: the length of a span.
        back_ms: how far to look back, if `since` is further back, or None.
        since: the number of the first span that is wanted.
    """
    bucket = (attempts.c.started_at // literal_column(str(int(span_ms)))).label("bucket")
    with ledger.read() as connection:
        now = connection.scalar(select(now_ms())) or 0
        first = max((now - back_ms) // span_ms, since if since is not None else 0)
        query = select(bucket, func.count()).where(attempts.c.started_at >= first * span_ms)
        rows = connection.execute(query.group_by("bucket"))
        return CallBuckets(now, {int(number): int(count) for number, count in rows})
