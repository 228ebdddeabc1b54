"""Counters: lines, units and points by organisation and state, maintained by triggers.

SQLite's triggers update the counters. PostgreSQL's append each statement's changes, because workers
would wait for each other at a counter's row. `compact_counters` adds them up from time to time, and
reading adds the rest, so that counts are exact at any moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, union_all

from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.schema import (
    COUNTED_POINTS,
    COUNTED_UNITS,
    LINE_ORG,
    lines,
    pruned_lines,
    tallies,
    tally_deltas,
)

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines with their issued units and redeemed points."""

    lines: int = 0
    units: int = 0
    points: int = 0
    """In thousandths."""

    def __add__(self, other: "Tally") -> "Tally":
        """Add up two."""
        return Tally(self.lines + other.lines, self.units + other.units, self.points + other.points)


RewardTallies = dict[tuple[str, State], Tally]
"""By reward key (`issuance.reward_key`) and the lines' own state, in which unsettled ones wait."""
Tallies = dict[tuple[int, State], Tally]
"""By organisation (`NO_ORG` for none) and the lines' own state, in which unsettled ones wait."""


def counted_lines(connection: Connection, campaign_id: int) -> Tallies:
    """Read a campaign's counters, without pruned lines."""
    stored = (
        select(table.c.org_id, table.c.state, count, table.c.units, table.c.points).where(
            table.c.campaign_id == campaign_id
        )
        for table, count in ((tallies, tallies.c.line_count), (tally_deltas, tally_deltas.c.delta))
    )
    return _summed(connection.execute(union_all(*stored)))


def reward_counts(connection: Connection, campaign_id: int) -> RewardTallies:
    """Read a campaign's counters by reward, with pruned lines."""
    stored = (
        select(table.c.reward, table.c.state, count, table.c.units, table.c.points).where(
            table.c.campaign_id == campaign_id
        )
        for table, count in (
            (tallies, tallies.c.line_count),
            (tally_deltas, tally_deltas.c.delta),
            (pruned_lines, pruned_lines.c.line_count),
        )
    )
    found: RewardTallies = {}
    for reward, state, *sums in connection.execute(union_all(*stored)):
        key = (reward, State(state))
        found[key] = found.get(key, Tally()) + Tally(*map(int, sums))
    return found


def spent(*counted: Tallies) -> Tally:
    """Add up everything but the lines whose issue was revoked."""
    kept = (
        tally
        for tallied in counted
        for (_, state), tally in tallied.items()
        if state is not State.REVOKED
    )
    return sum(kept, start=Tally())


def recounted_lines(connection: Connection, campaign_id: int) -> Tallies:
    """Count each of a campaign's lines instead of trusting the counters."""
    query = (
        select(
            LINE_ORG,
            lines.c.state,
            func.count(),
            func.sum(COUNTED_UNITS),
            func.sum(COUNTED_POINTS),
        )
        .where(lines.c.campaign_id == campaign_id)
        .group_by(LINE_ORG, lines.c.state)
    )
    return _summed(connection.execute(query))


def pruned_counts(connection: Connection, campaign_id: int) -> Tallies:
    """Read what a campaign's pruned lines were."""
    table = pruned_lines
    query = select(
        table.c.org_id, table.c.state, table.c.line_count, table.c.units, table.c.points
    ).where(table.c.campaign_id == campaign_id)
    return _summed(connection.execute(query))


def _summed(rows: Iterable[Sequence[Any]]) -> Tallies:
    found: Tallies = {}
    for org_id, state, *sums in rows:
        key = (org_id, State(state))
        found[key] = found.get(key, Tally()) + Tally(*map(int, sums))
    return found


def compact_counters(ledger: Ledger) -> None:
    """Add up to ten thousand appended changes to the counters; neither blocks nor is blocked."""
    if ledger.dialect.appends_counts:
        with ledger.write() as connection:
            ledger.dialect.compact_counters(connection, _AT_ONCE)
