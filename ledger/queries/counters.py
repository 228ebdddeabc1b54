"""Tallies: how many lines are in each state, remembered by the database's triggers instead of counted anew.

SQLite's triggers keep the tallies themselves. PostgreSQL's append what each statement changed,
because a counter's row would make workers wait for each other's transactions; `fold` adds that up
from time to time, and a reading adds the rest, so it is right at any moment.
"""

from collections import Counter

from sqlalchemy import Connection, select, union_all

from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.schema import tallies, tally_deltas

_AT_ONCE = 10_000


def tallied(connection: Connection, campaign_id: int) -> Counter[State]:
    """A campaign's lines by their own state: all that are not settled are `waiting`. Pruned ones are not among them."""
    counts: Counter[State] = Counter()
    remembered = (
        select(table.c.state, column).where(table.c.campaign_id == campaign_id)
        for table, column in ((tallies, tallies.c.line_count), (tally_deltas, tally_deltas.c.delta))
    )
    for state, count in connection.execute(union_all(*remembered)):
        counts[State(state)] += count
    return counts


def fold(ledger: Ledger) -> None:
    """Add what was appended since to the tallies, up to ten thousand rows; nothing to do on SQLite.

    Nobody waits for it, nor it for anybody: who appends touches no row of it, and of two that fold
        at once one does.
    """
    if ledger.dialect.appends_counts:
        with ledger.write() as connection:
            ledger.dialect.compact_counters(connection, _AT_ONCE)
