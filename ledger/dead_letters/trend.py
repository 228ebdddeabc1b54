"""When the open letters of groups were opened, by hour."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, literal_column, select

from issuance.states import DeadLetterState
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import dead_letters as letters

HOURS = 24
_HOUR_MS = 3_600_000


class Hour(NamedTuple):
    """One hour of the last day."""

    begin: datetime
    letters: int


def opened_by_hour(ledger: Ledger, groups: Collection[int]) -> dict[int, list[Hour]]:
    """Count the open letters of the last 24 hours by group and hour, the oldest hour first.

    It reads the index of each group's open letters.
    """
    hour = (letters.c.opened_at // literal_column(str(_HOUR_MS))).label("hour")
    with ledger.read() as connection:
        newest = (connection.scalar(select(now_ms())) or 0) // _HOUR_MS
        first = newest - HOURS + 1
        query = (
            select(letters.c.group_id, hour, func.count())
            .where(
                letters.c.state == DeadLetterState.OPEN,
                letters.c.group_id.in_(groups),
                letters.c.opened_at >= first * _HOUR_MS,
            )
            .group_by(letters.c.group_id, "hour")
        )
        counts = {(group, int(number)): count for group, number, count in connection.execute(query)}
    return {
        group: [
            Hour(begin, counts.get((group, number), 0))
            for number in range(first, newest + 1)
            if (begin := instant(number * _HOUR_MS)) is not None
        ]
        for group in groups
    }
