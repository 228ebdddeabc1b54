"""Issued units and points of lines that are in the ledger, by campaign, reward and quarter hour."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select

from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.schema import (
    COUNTED_POINTS,
    COUNTED_UNITS,
    IS_SETTLED_LINE,
    LINE_REWARD,
    campaigns,
    lines,
    pruned_lines,
)

QUARTER_MS = 900_000
"""The days of every time zone begin at a quarter hour."""
_ISSUED = (State.ISSUED, State.PARTIAL, State.REVOKED)


class Slice(NamedTuple):
    """What was issued in a quarter hour of one reward and campaign."""

    campaign: str
    reward: str
    """See `issuance.reward_key`."""
    began_ms: int | None
    """The quarter hour's begin, in ms since 1970; None for pruned lines: their times are gone."""
    is_revoked: bool
    """Whether an operator took these lines back."""
    lines: int
    units: int
    points: int
    """In thousandths."""


def read_slices(
    ledger: Ledger, *, campaign: str | None, from_ms: int | None, until_ms: int | None
) -> Iterator[Slice]:
    """Read what was issued; pruned lines only if no time is given.

    Args:
        ledger: the record.
        campaign: the name of the only campaign; None: all.
        from_ms: settled from this time on; None: from the first.
        until_ms: settled before this time; None: until now.
    """
    quarter = lines.c.settled_at - lines.c.settled_at % QUARTER_MS
    query = (
        select(
            campaigns.c.name,
            LINE_REWARD,
            quarter,
            lines.c.state,
            func.count(),
            func.sum(COUNTED_UNITS),
            func.sum(COUNTED_POINTS),
        )
        .join(campaigns, campaigns.c.id == lines.c.campaign_id)
        .where(IS_SETTLED_LINE, lines.c.state.in_(_ISSUED))
        .group_by(campaigns.c.name, LINE_REWARD, quarter, lines.c.state)
    )
    pruned = (
        select(
            campaigns.c.name,
            pruned_lines.c.reward,
            pruned_lines.c.state,
            pruned_lines.c.line_count,
            pruned_lines.c.units,
            pruned_lines.c.points,
        )
        .join(campaigns, campaigns.c.id == pruned_lines.c.campaign_id)
        .where(pruned_lines.c.state.in_(_ISSUED))
    )
    if campaign is not None:
        query = query.where(campaigns.c.name == campaign)
        pruned = pruned.where(campaigns.c.name == campaign)
    if from_ms is not None:
        query = query.where(lines.c.settled_at >= from_ms)
    if until_ms is not None:
        query = query.where(lines.c.settled_at < until_ms)
    with ledger.read() as connection:
        for name, reward, began, state, *sums in connection.execute(query):
            yield Slice(name, reward, began, state == State.REVOKED, *map(int, sums))
        if from_ms is None and until_ms is None:
            for name, reward, state, *sums in connection.execute(pruned):
                yield Slice(name, reward, None, state == State.REVOKED, *map(int, sums))
