"""Since when a running campaign's jobs could be called: it has started, and its window is open."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Select, case, select

from issuance.states import CampaignState
from ledger.store.clock import milliseconds, now_ms
from ledger.store.schema import campaigns
from ledger.windows import open_since

_CALLS = 3
"""A campaign with a rate of its own is late when it has missed this many calls."""


STARTED_LATER = case((campaigns.c.started_at > campaigns.c.created_at, campaigns.c.started_at))
"""When a campaign started that was a draft first; its jobs may have been due before."""


class _Gated(Protocol):
    """A campaign's bounds; a row of `ready_campaigns` has them."""

    @property
    def started_at(self) -> int | None: ...
    @property
    def window(self) -> str | None: ...
    @property
    def timezone(self) -> str | None: ...


def ready_since(campaign: _Gated, now: int, since: int) -> int | None:
    """Return from when on its jobs could be called until now, in ms; None: they cannot be.

    Args:
        campaign: its start, and its window.
        now: by the ledger's clock, in ms.
        since: the result is not before it, in ms.
    """
    begun = max(since, campaign.started_at or 0)
    if campaign.window is None or begun >= now:
        return begun
    return open_since(campaign.window, campaign.timezone, now, begun)


def ready_seconds(campaign: _Gated, now: int, seconds: float) -> float:
    """Return for how many of the last `seconds` its jobs could be called; 0: not at present."""
    since = ready_since(campaign, now, now - milliseconds(seconds))
    return 0.0 if since is None else min(seconds, max(0, now - since) / 1000)


_RUNNING: Select[Any] = select(
    campaigns.c.id,
    campaigns.c.name,
    campaigns.c.weight,
    STARTED_LATER.label("started_at"),
    campaigns.c.window,
    campaigns.c.timezone,
    campaigns.c.rate_per_minute,
    now_ms().label("now"),
).where(campaigns.c.state == CampaignState.RUNNING)


def ready_campaigns(
    connection: Connection, of_accounts: ColumnElement[bool], within_ms: int
) -> Sequence[Row[Any]]:
    """Return the running campaigns whose jobs could be called for at least this long.

    One whose own rate allows no more than two calls in that time is left out.
    """
    rows = connection.execute(_RUNNING.where(of_accounts).order_by(campaigns.c.id))
    return [
        row
        for row in rows
        if (row.rate_per_minute is None or row.rate_per_minute * within_ms >= _CALLS * 60_000)
        and ready_since(row, row.now, row.now - within_ms) == row.now - within_ms
    ]
