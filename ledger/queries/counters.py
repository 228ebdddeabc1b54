"""Counters: how many lines are in each state, maintained by the database's triggers.

SQLite's triggers update the counters. PostgreSQL's append each statement's changes, because workers
would wait for each other at a counter's row. `compact_counters` adds them up from time to time, and
reading adds the rest, so that counts are exact at any moment.
"""

from collections import Counter

from sqlalchemy import Connection, select, union_all

from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.schema import tallies, tally_deltas

_AT_ONCE = 10_000


def line_counts(connection: Connection, campaign_id: int) -> Counter[State]:
    """Count a campaign's lines by their own state, without pruned ones; unsettled ones wait."""
    counts: Counter[State] = Counter()
    stored = (
        select(table.c.state, column).where(table.c.campaign_id == campaign_id)
        for table, column in ((tallies, tallies.c.line_count), (tally_deltas, tally_deltas.c.delta))
    )
    for state, count in connection.execute(union_all(*stored)):
        counts[State(state)] += count
    return counts


def compact_counters(ledger: Ledger) -> None:
    """Add up to ten thousand appended changes to the counters; neither blocks nor is blocked."""
    if ledger.dialect.appends_counts:
        with ledger.write() as connection:
            ledger.dialect.compact_counters(connection, _AT_ONCE)
