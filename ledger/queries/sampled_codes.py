"""How many lines of a campaign ended with which code."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from issuance.states import State
from ledger.store.schema import IS_SETTLED_LINE, lines

MOST_LINES: Final = 5_000
"""Of each state: the codes are in no index, so that each line must be read."""


class CodeCount(NamedTuple):
    """Lines of one code."""

    code: int | None
    message: str
    """Of one of the lines: it distinguishes some codes. It may name a customer."""
    lines: int


def count_codes(connection: Connection, campaign_id: int, state: State) -> list[CodeCount]:
    """Count the lines of a settled state by code, the most first; reads at most `MOST_LINES`."""
    read = (
        select(lines.c.code, lines.c.message)
        .where(lines.c.campaign_id == campaign_id, IS_SETTLED_LINE, lines.c.state == state)
        .limit(MOST_LINES)
        .subquery()
    )
    counted = func.count()
    query = (
        select(read.c.code, func.coalesce(func.min(read.c.message), ""), counted)
        .group_by(read.c.code)
        .order_by(counted.desc(), read.c.code)
    )
    return [CodeCount(*row) for row in connection.execute(query)]
