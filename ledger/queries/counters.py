"""Tallies: how many lines are in each state, remembered by the database's triggers instead of counted anew.

SQLite's triggers keep the tallies themselves. PostgreSQL's append what each statement changed,
because a counter's row would make workers wait for each other's transactions; `fold` adds that up
from time to time, and a reading adds the rest, so it is right at any moment.
"""

from collections import Counter

from sqlalchemy import Connection, select, text, union_all

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
    if ledger.dialect != "postgresql":
        return
    with ledger.write() as connection:
        if connection.scalar(
            text("SELECT pg_try_advisory_xact_lock(hashtext('issuance tallies'))")
        ):
            connection.execute(_FOLD, {"most": _AT_ONCE})


# One statement, so that every reading finds a delta either there or added.
_FOLD = text("""
WITH chosen AS (SELECT id FROM tally_deltas ORDER BY id LIMIT :most),
     gone AS (DELETE FROM tally_deltas USING chosen WHERE tally_deltas.id = chosen.id
              RETURNING tally_deltas.campaign_id, tally_deltas.state, tally_deltas.delta)
INSERT INTO tallies (campaign_id, state, line_count)
SELECT campaign_id, state, sum(delta) FROM gone GROUP BY campaign_id, state
ON CONFLICT (campaign_id, state) DO UPDATE SET line_count = tallies.line_count + excluded.line_count
""")
