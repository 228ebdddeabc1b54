"""How campaigns share an account's calls until each has made its own: a fluid model."""

import math
from collections.abc import Sequence

from issuance.forecast.work import Campaign

_DONE = 1e-6


def end_of_calls(
    campaigns: Sequence[Campaign], per_second: float, *, begins: float = 0.0
) -> dict[int, float]:
    """Return when each campaign has made the calls that are due now or soon, in seconds from now.

    The campaigns that have work and may call share the account's calls by weight. What a campaign
    cannot use because of its own rate goes to the others. Infinite: its last span ends before.

    Args:
        campaigns: those of the account.
        per_second: the account's calls.
        begins: no call starts in this many seconds.
    """
    left = {each.id: each.calls for each in campaigns if each.calls > _DONE}
    ends = {each.id: 0.0 for each in campaigns if each.id not in left}
    now = begins
    while left:
        waiting = [each for each in campaigns if each.id in left]
        speeds = share_calls([each for each in waiting if is_open(each, now)], per_second)
        change = min((next_change(each, now) for each in waiting), default=math.inf)
        last = min((left[key] / speed for key, speed in speeds.items()), default=math.inf)
        step = min(change - now, last)
        if math.isinf(step):
            break
        now += step
        for key, speed in speeds.items():
            left[key] -= speed * step
        for key in [key for key in speeds if left[key] <= _DONE * max(1.0, speeds[key])]:
            del left[key]
            ends[key] = now
    return ends | dict.fromkeys(left, math.inf)


def share_calls(campaigns: Sequence[Campaign], per_second: float) -> dict[int, float]:
    """Return each campaign's calls a second: by weight, up to its own rate."""
    speeds: dict[int, float] = {}
    left, others = per_second, list(campaigns)
    while others:
        weights = sum(each.weight for each in others)
        capped = [
            each
            for each in others
            if each.per_minute and each.per_minute / 60 < left * each.weight / weights
        ]
        if not capped:
            return speeds | {each.id: left * each.weight / weights for each in others}
        for each in capped:
            speeds[each.id] = each.per_minute / 60
            left -= speeds[each.id]
            others.remove(each)
    return speeds


def is_open(campaign: Campaign, at: float) -> bool:
    """Whether the campaign's calls may start at this time."""
    return any(span.begin <= at < span.end for span in campaign.spans)


def next_change(campaign: Campaign, at: float) -> float:
    """Return when the campaign's next span begins or ends, in seconds from now; infinite: never."""
    edges = (edge for span in campaign.spans for edge in (span.begin, span.end))
    return min((edge for edge in edges if edge > at), default=math.inf)
