"""The calls of one span of time: how many of all campaigns, and some of them in detail."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from ledger.store.schema import attempts, jobs

_SLICES, _CALLS_OF_SLICE = 4, 40
SAMPLED_CALLS: Final = _SLICES * _CALLS_OF_SLICE
"""A span with more calls is sampled."""


class SpanCall(NamedTuple):
    """One call."""

    campaign_id: int
    kind: str
    """As `issuance.outcome.Kind`."""
    took_ms: int


class CallSpan(NamedTuple):
    """The calls that began in a span of time."""

    made: int
    """Of all campaigns."""
    sample: Sequence[SpanCall]
    """All of them, or `SAMPLED_CALLS` that are spread over the span."""

    @property
    def is_sampled(self) -> bool:
        """Whether the sample leaves calls out."""
        return len(self.sample) < self.made


def read_call_span(connection: Connection, begin_ms: int, end_ms: int) -> CallSpan:
    """Read a span of time; counts an index, and reads at most `SAMPLED_CALLS` calls."""
    calls = _read(connection, begin_ms, end_ms, SAMPLED_CALLS + 1)
    if len(calls) <= SAMPLED_CALLS:
        return CallSpan(len(calls), calls)
    count = (
        select(func.count())
        .select_from(attempts)
        .where(attempts.c.started_at >= begin_ms, attempts.c.started_at < end_ms)
    )
    made = connection.scalar(count) or 0
    size = (end_ms - begin_ms) / _SLICES
    bounds = [begin_ms + round(size * number) for number in range(_SLICES + 1)]
    sample: list[SpanCall] = []
    for begin, end in pairwise(bounds):
        sample += _read(connection, begin, end, _CALLS_OF_SLICE)
    return CallSpan(made, sample)


def _read(connection: Connection, begin_ms: int, end_ms: int, limit: int) -> list[SpanCall]:
    order = (attempts.c.started_at, attempts.c.job_number, attempts.c.number)
    query: Any = (
        select(jobs.c.campaign_id, attempts.c.kind, attempts.c.took_ms)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(attempts.c.started_at >= begin_ms, attempts.c.started_at < end_ms)
        .order_by(*order)
        .limit(limit)
    )
    return [SpanCall(*row) for row in connection.execute(query)]
