"""Campaigns' windows by the ledger's clock."""

import math
from datetime import UTC, datetime, timedelta

from issuance.windows import stored_window


def is_open(window: str, timezone: str | None, now: int) -> bool:
    """Whether a stored window is open; one that cannot be read is closed.

    Args:
        window: as `issuance.windows` writes it.
        timezone: its IANA zone.
        now: by the ledger's clock, in ms.
    """
    found = stored_window(window, timezone)
    return found is not None and found.is_open(_instant(now))


def closes_in_seconds(window: str, timezone: str | None, now: int) -> float:
    """Return how long a stored window is still open: 0 if it is closed, or cannot be read."""
    found = stored_window(window, timezone)
    if found is None:
        return 0.0
    closes = found.closes_at(_instant(now))
    return math.inf if closes is None else (closes - _instant(now)).total_seconds()


def open_seconds(window: str, timezone: str | None, now: int, seconds: float) -> float:
    """Return how much of the last `seconds` a stored window was open; all, if it cannot be read."""
    found, until = stored_window(window, timezone), _instant(now)
    if found is None:
        return seconds
    return found.open_time(until - timedelta(seconds=seconds), until).total_seconds()


def open_since(window: str, timezone: str | None, now: int, since: int) -> int | None:
    """Return from when on a stored window has been open until now, in ms; None: it is closed.

    Args:
        window: as `issuance.windows` writes it.
        timezone: its IANA zone.
        now: by the ledger's clock, in ms.
        since: the result is not before it, in ms.
    """
    found = stored_window(window, timezone)
    opened = None if found is None else found.open_since(_instant(now), _instant(since))
    return None if opened is None else round(opened.timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
