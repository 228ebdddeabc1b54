"""Arithmetic on sorted arrival times in seconds: windows, shares, time until a change settles."""

from bisect import bisect_left
from collections.abc import Sequence

_STEP_SECONDS = 0.01


def count_between(times: Sequence[float], since: float, until: float) -> int:
    """Arrivals in [since, until)."""
    return bisect_left(times, until) - bisect_left(times, since)


def most_in_a_window(times: Sequence[float], seconds: float) -> int:
    """The most arrivals in any window of this length; the fullest starts at an arrival."""
    return max(
        (bisect_left(times, first + seconds) - place for place, first in enumerate(times)),
        default=0,
    )


def window_bound(per_minute: float, seconds: float) -> float:
    """The most that a window may hold: its share of the rate and a burst of one second."""
    return per_minute * seconds / 60 + max(1, per_minute // 60)


def used_share(times: Sequence[float], per_minute: float, since: float, until: float) -> float:
    """Arrivals in [since, until) relative to what the rate allows."""
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
    """Seconds from `since` until the arrivals follow a rate.

    That is the start of the first window from which every window up to `until` holds its calls,
    plus or minus `tolerance` of them and one.
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
    """The first campaign's share of both campaigns' calls, for each window in this time."""
    shares = []
    start = since
    while start + seconds <= until:
        mine, other = (count_between(times, start, start + seconds) for times in (ours, theirs))
        if mine + other:
            shares.append(mine / (mine + other))
        start += step
    return shares


def relative_error(share: float, entitled: float) -> float:
    """Relative error of a campaign's share, for the campaign with the larger error."""
    return max(abs(share - entitled) / entitled, abs(share - entitled) / (1 - entitled))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed; 0 when there are none."""
    ordered = sorted(values)
    place = -int(-len(ordered) * share // 1) - 1
    return ordered[max(0, place)] if ordered else 0.0
