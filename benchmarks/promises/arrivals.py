"""Arithmetic on arrival times: windows, shares, and how long a change takes; times are seconds, in order."""

from bisect import bisect_left
from collections.abc import Sequence

_STEP_SECONDS = 0.01


def count_between(times: Sequence[float], since: float, until: float) -> int:
    """Arrivals in [since, until)."""
    return bisect_left(times, until) - bisect_left(times, since)


def most_in_a_window(times: Sequence[float], seconds: float) -> int:
    """The most arrivals that any window of this length has: the fullest begins at an arrival."""
    return max(
        (bisect_left(times, first + seconds) - place for place, first in enumerate(times)),
        default=0,
    )


def window_bound(per_minute: float, seconds: float) -> float:
    """The most that a window may have: what the rate gives in it, and one burst, which is a second's worth of calls."""
    return per_minute * seconds / 60 + max(1, per_minute // 60)


def used_share(times: Sequence[float], per_minute: float, since: float, until: float) -> float:
    """Arrivals in [since, until) beside what the rate gives in that time."""
    return count_between(times, since, until) / (per_minute / 60 * (until - since))


def settled_after(
    times: Sequence[float],
    *,
    since: float,
    until: float,
    per_minute: float,
    window: float = 1.0,
    tolerance: float = 0.2,
) -> float:
    """Seconds from `since` until the arrivals keep to a rate.

    That is the start of the first window from which on every window up to `until` has its calls,
    give or take `tolerance` of them and one.
    """
    expected = per_minute / 60 * window
    slack = expected * tolerance + 1
    settled = until
    start = until - window
    while start >= since and abs(count_between(times, start, start + window) - expected) <= slack:
        settled = start
        start -= _STEP_SECONDS
    return settled - since


def shares_in_windows(
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    since: float,
    until: float,
    seconds: float,
    step: float = 1.0,
) -> list[float]:
    """Of each window between the two times: what part of both campaigns' calls was the first one's."""
    shares = []
    start = since
    while start + seconds <= until:
        mine, other = (count_between(times, start, start + seconds) for times in (ours, theirs))
        if mine + other:
            shares.append(mine / (mine + other))
        start += step
    return shares


def off_by(share: float, entitled: float) -> float:
    """How far a campaign is from its entitled share, beside that share; the worse of the two campaigns."""
    return max(abs(share - entitled) / entitled, abs(share - entitled) / (1 - entitled))


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so great a share of the values does not exceed; 0 when there are none."""
    ordered = sorted(values)
    place = -int(-len(ordered) * share // 1) - 1
    return ordered[max(0, place)] if ordered else 0.0
