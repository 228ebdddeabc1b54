"""Counts of attempts in a span of their start times, for metrics that follow the ledger.

Attempts are never changed, only added and, by pruning, removed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    case,
    func,
    literal,
    literal_column,
    select,
)

from ledger.store.schema import attempts, jobs, restores


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of attempts' start times, in ms."""

    start: int
    end: int | None
    """Exclusive; None: there is no end."""

    def holds(self) -> list[ColumnElement[bool]]:
        """Return the conditions of an attempt in it."""
        found = [attempts.c.started_at >= self.start]
        return found if self.end is None else [*found, attempts.c.started_at < self.end]


Counts = Counter[tuple[Any, ...]]
"""By key: `("attempts", kind, code, HTTP status)`, `("retries",)`, `("calls", place)`,
`("calls_ms",)`, `("settlements", place)` and `("settlements_ms",)`.

A place is the index of the first bound that is not below the duration."""


def count_span(connection: Connection, span: Span) -> int:
    """Count the attempts in a span; reads only the index."""
    query = select(func.count()).select_from(attempts).where(*span.holds())
    return connection.scalar(query) or 0


def end_of_page(connection: Connection, start: int, rows: int) -> int | None:
    """Return where a span of about `rows` attempts that begins at `start` ends; None: nowhere."""
    later = select(attempts.c.started_at).order_by(attempts.c.started_at).limit(1)
    found = connection.scalar(later.where(attempts.c.started_at >= start).offset(rows))
    if found is not None and found <= start:
        # All of them started in the same millisecond.
        found = connection.scalar(later.where(attempts.c.started_at > start))
    return found


def read_span(
    connection: Connection,
    span: Span,
    *,
    call_bounds: Sequence[int],
    settlement_bounds: Sequence[int],
) -> Counts:
    """Count the attempts in a span in every respect.

    Args:
        connection: the transaction.
        span: the span.
        call_bounds: upper bounds of the calls' durations in ms, ascending.
        settlement_bounds: the same from a job's acceptance to the end of the call that settled it.
    """
    settles = attempts.c.decision.startswith("settle ")
    ended = attempts.c.started_at + attempts.c.took_ms - jobs.c.accepted_at
    # By the clocks of two machines.
    waited = case((ended > 0, ended), else_=0)
    columns = {
        "kind": attempts.c.kind,
        "code": attempts.c.code,
        "http_status": attempts.c.http_status,
        "is_retry": attempts.c.number > 1,
        "call": _place(attempts.c.took_ms, call_bounds),
        "settlement": case((settles, _place(waited, settlement_bounds)), else_=None),
    }
    inner = (
        select(
            *(column.label(name) for name, column in columns.items()),
            attempts.c.took_ms.label("took"),
            waited.label("waited"),
        )
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(*span.holds())
        .subquery()
    )
    keys = [inner.c[name] for name in columns]
    sums = (func.count(), func.sum(inner.c.took), func.sum(inner.c.waited))
    found: Counts = Counter()
    rows: Iterable[Sequence[Any]] = connection.execute(select(*keys, *sums).group_by(*keys))
    for row in rows:
        kind, code, status, is_retry, call, settlement, count, took, waited_ms = row
        found["attempts", kind, code, status] += count
        found["calls", call] += count
        found["calls_ms",] += int(took)
        if is_retry:
            found["retries",] += count
        if settlement is not None:
            found["settlements", settlement] += count
            found["settlements_ms",] += int(waited_ms)
    return found


def _place(value: ColumnElement[int], bounds: Sequence[int]) -> ColumnElement[int]:
    places = [
        (value <= literal_column(str(int(bound)), BigInteger), literal(place))
        for place, bound in enumerate(bounds)
    ]
    return case(*places, else_=literal(len(bounds)))


def newest_attempt(connection: Connection) -> int | None:
    """Return when the newest attempt started, in ms by its worker's clock; None: there is none."""
    newest: int | None = connection.scalar(select(func.max(attempts.c.started_at)))
    return newest


def newest_restore(connection: Connection) -> int:
    """Return the number of the ledger's last restore; 0: it was never restored."""
    return connection.scalar(select(func.max(restores.c.id))) or 0
