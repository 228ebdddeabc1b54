"""A campaign's own rate: how many jobs may be released now, by GCRA. Pure.

GCRA (generic cell rate algorithm) keeps one number, the theoretical arrival time: when the next job
would come if all came evenly. Stored with the campaign, it makes the rate exact over restarts.
"""

from math import ceil, floor

_MINUTE_MS = 60_000
_AHEAD_MS = 1_250
"""A job may be this much early, so that rounds of one second each use the whole rate."""
_QUEUED_MS = 6_250


def conforming(per_minute: int, arrival_ms: int | None, now_ms: int) -> int:
    """Return how many jobs may be released now: after a pause one, and a second's worth at once.

    Args:
        per_minute: the rate, at least 1.
        arrival_ms: the theoretical arrival time; None: nothing was released yet.
        now_ms: the present.
    """
    ahead = max(0, (arrival_ms or 0) - now_ms)
    return max(0, floor((_AHEAD_MS - ahead) * per_minute / _MINUTE_MS) + 1)


def arrival_after(per_minute: int, arrival_ms: int | None, now_ms: int, released: int) -> int:
    """Return the theoretical arrival time after this many jobs were released, in ms."""
    return max(arrival_ms or 0, now_ms) + ceil(released * _MINUTE_MS / per_minute)


def most_queued(per_minute: int) -> int:
    """Return how many jobs may be queued: workers that were away must not call many at once.

    A queued job may wait for what other campaigns have queued before it, for about five seconds.
    """
    return floor(_QUEUED_MS * per_minute / _MINUTE_MS) + 1
