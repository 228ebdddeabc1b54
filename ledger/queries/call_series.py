"""A campaign's calls and jobs over time, for its report.

The database counts them a page of jobs at a time, so that memory does not grow with the campaign.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Subquery,
    case,
    func,
    literal_column,
    select,
)

from issuance.states import State
from ledger.store.schema import IS_SETTLED_LINE, attempts, jobs, lines

_JOBS_AT_ONCE = 50_000
_STEPS = ((200, 1), (2_000, 10), (20_000, 100))
"""Durations below the first number are counted in steps of the second, all in ms."""
_LONGEST_STEP = 1_000


class Grid(NamedTuple):
    """Spans of time of the same length."""

    begin_ms: int
    span_ms: int

    def place(self, at: ColumnElement[int]) -> ColumnElement[int]:
        """Return the number of a time's span; smaller than 0 before the first one."""
        # As literals: PostgreSQL takes expressions with parameters for different ones.
        return (at - _number(self.begin_ms)) // _number(self.span_ms)


def _number(value: int) -> ColumnElement[int]:
    """Write a number into the statement itself."""
    return literal_column(str(int(value)), BigInteger)


@dataclass(frozen=True, slots=True)
class CampaignSeries:
    """Counts by the number of the span."""

    calls: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Calls by the span in which they began, by their worker's clock, and their result."""
    took: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Calls by span and duration: milliseconds, rounded up by at most 5 %."""
    accepted: Counter[int] = field(default_factory=Counter)
    """Jobs by the span in which they were accepted."""
    settled: Counter[int] = field(default_factory=Counter)
    """Jobs by the span in which they were settled for good."""


def read_series(
    connection: Connection, campaign_id: int, grid: Grid, states: Collection[State], until_ms: int
) -> CampaignSeries:
    """Count the calls and jobs of a campaign that are still in the ledger.

    Args:
        connection: the transaction.
        campaign_id: the campaign.
        grid: the spans.
        states: the states of its lines, all of which are settled.
        until_ms: only calls that began before this time.
    """
    found = CampaignSeries()
    for page in _pages(connection, campaign_id, states):
        mine = (jobs.c.campaign_id == campaign_id, *page)
        _count_calls(connection, found, grid, mine, until_ms)
        _count_jobs(connection, found, grid, mine)
    return found


_Conditions = tuple[ColumnElement[bool], ...]


def _pages(
    connection: Connection, campaign_id: int, states: Collection[State]
) -> Iterator[_Conditions]:
    ends = [
        number
        for state in states
        for number in _first_and_last(connection, campaign_id, state)
        if number is not None
    ]
    for first in range(min(ends, default=0), max(ends, default=-1) + 1, _JOBS_AT_ONCE):
        yield jobs.c.number >= first, jobs.c.number < first + _JOBS_AT_ONCE


def _first_and_last(connection: Connection, campaign_id: int, state: State) -> Iterator[int | None]:
    """Find the ends of a campaign's job numbers; an index has them by campaign and state."""
    query = select(lines.c.job_number).where(
        IS_SETTLED_LINE, lines.c.campaign_id == campaign_id, lines.c.state == state
    )
    for order in (lines.c.job_number, lines.c.job_number.desc()):
        yield connection.scalar(query.order_by(order).limit(1))


def _count_calls(
    connection: Connection,
    found: CampaignSeries,
    grid: Grid,
    conditions: _Conditions,
    until_ms: int,
) -> None:
    calls = (
        select(
            grid.place(attempts.c.started_at).label("place"),
            attempts.c.kind,
            _rounded(attempts.c.took_ms).label("took"),
        )
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(*conditions, attempts.c.started_at < until_ms)
        .subquery()
    )
    for place, kind, took, count in _counted(connection, calls):
        found.calls[place, kind] += count
        found.took[place, took] += count


def _count_jobs(
    connection: Connection, found: CampaignSeries, grid: Grid, conditions: _Conditions
) -> None:
    times = (
        select(
            grid.place(jobs.c.accepted_at).label("accepted"),
            grid.place(jobs.c.settled_at).label("settled"),
        )
        .where(*conditions)
        .subquery()
    )
    for accepted, settled, count in _counted(connection, times):
        found.accepted[accepted] += count
        if settled is not None:
            found.settled[settled] += count


def _counted(connection: Connection, rows: Subquery) -> Iterable[Sequence[Any]]:
    """Count equal rows; each comes with its count."""
    return connection.execute(select(*rows.c, func.count()).group_by(*rows.c))


def _rounded(took: ColumnElement[int]) -> ColumnElement[int]:
    """Round up to a step, so that a page of calls has few different durations."""
    steps = [(took < _number(below), _up(took, step)) for below, step in _STEPS]
    return case(*steps, else_=_up(took, _LONGEST_STEP))


def _up(took: ColumnElement[int], step: int) -> ColumnElement[int]:
    return took - took % _number(step) + _number(step - 1)
