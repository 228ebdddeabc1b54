"""A campaign's lines by state and code, without those that were issued."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from issuance.states import State
from ledger.store.schema import COUNTED_UNITS, IS_SETTLED_LINE, lines, pruned_lines


class CodeCount(NamedTuple):
    """The lines of one state and code."""

    state: State
    code: int | None
    lines: int
    units: int


def count_codes(
    connection: Connection, campaign_id: int, states: Collection[State]
) -> list[CodeCount]:
    """Count the lines in these settled states that are in the ledger, in the order of the codes."""
    query = (
        select(lines.c.state, lines.c.code, func.count(), func.sum(COUNTED_UNITS))
        .where(IS_SETTLED_LINE, lines.c.campaign_id == campaign_id, lines.c.state.in_(states))
        .group_by(lines.c.state, lines.c.code)
    )
    found = [
        CodeCount(State(state), code, count, int(units))
        for state, code, count, units in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.state, each.code or 0))


def count_pruned(connection: Connection, campaign_id: int) -> int:
    """Count the campaign's lines that were pruned."""
    query = select(func.sum(pruned_lines.c.line_count)).where(
        pruned_lines.c.campaign_id == campaign_id
    )
    return int(connection.scalar(query) or 0)
