"""How long a campaign's last jobs take after its calls are made: retries and look-ups."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from issuance.forecast.work import SOON_SECONDS, Campaign, Repeats

_STEPS = 24
_FIRST_SECONDS, _LEAST_SECONDS = 2.0, 0.5
_LOOK_UP_AGAIN = 0.3
"""Share of look-ups after which another one is needed."""
_SHARP_SECONDS = 0.5
"""A fixed wait ends within this, for a smooth curve."""


def tail_seconds(
    campaign: Campaign, *, ends: float, per_second: float, chance: float, horizon: float
) -> float:
    """Return after how many seconds no job of the campaign is open any more, with this chance.

    The jobs that are still open fall in number; that none is left has the chance exp(-expected
    number), as jobs fail independently.

    Args:
        campaign: the campaign.
        ends: when its calls are made, in seconds from now.
        per_second: first calls of its jobs a second before that.
        chance: 0 to 1, both excluded.
        horizon: the longest answer.
    """
    few = -math.log(chance)
    # From short answers to long ones: most are short, and each try costs hundreds of steps.
    low, high = 0.0, min(_FIRST_SECONDS, horizon)
    while _open_jobs(campaign, ends, per_second, high) > few:
        if high >= horizon:
            return horizon
        low, high = high, min(4 * high, horizon)
    while high - low > _LEAST_SECONDS:
        middle = (low + high) / 2
        if _open_jobs(campaign, ends, per_second, middle) > few:
            low = middle
        else:
            high = middle
    return high


def _open_jobs(campaign: Campaign, ends: float, per_second: float, after: float) -> float:
    """The expected number of jobs that are open this long after the calls are made."""
    repeats = campaign.repeats
    waiting = 0.0
    for each in campaign.later:
        lasting = ends + after - each.seconds
        if lasting <= 0:
            waiting += each.jobs
        elif each.looks_up:
            waiting += each.jobs * _LOOK_UP_AGAIN * _look_ups_last(repeats, lasting, done=1)
        else:
            waiting += each.jobs * _repeats_last(repeats, repeats.again, lasting)
    begun, open_of_first = 0.0, 0.0
    if campaign.jobs > 0 and per_second > 0:
        # Steps that grow: a job whose first call was long ago is rarely open.
        for end in _edges(ends):
            lasting = after + (begun + end) / 2
            open_of_first += (end - begun) * lasts(repeats, lasting)
            begun = end
        open_of_first = min(open_of_first * per_second, campaign.jobs)
    return waiting + open_of_first


def _edges(ends: float) -> Iterator[float]:
    span = max(ends, _LEAST_SECONDS)
    for step in range(1, _STEPS + 1):
        yield span * (step / _STEPS) ** 3


def lasts(repeats: Repeats, seconds: float) -> float:
    """Return the chance that a job is open this long after its first call."""
    return _repeats_last(repeats, repeats.first, seconds) + repeats.look_ups * _look_ups_last(
        repeats, seconds
    )


def _repeats_last(repeats: Repeats, share: float, seconds: float) -> float:
    """The chance that repeated calls take this long; `share`: of first calls that are repeated."""
    return _last(_repeated(repeats, share), seconds)


def _look_ups_last(repeats: Repeats, seconds: float, *, done: int = 0) -> float:
    return _last(_looked_up(repeats.look_up_seconds[done:]), seconds)


class _Wait(NamedTuple):
    """Waits that follow each other, as a normal distribution of their sum."""

    share: float
    """Of jobs for which these are all waits."""
    mean: float
    width: float
    """The standard deviation times the root of two."""


def _last(waits: Sequence[_Wait], seconds: float) -> float:
    """The chance that a job's waits take this long."""
    chance = 0.0
    for share, mean, width in waits:
        chance += share / 2 * math.erfc((seconds - mean) / width)
    return chance


# A forecast asks thousands of times with few different arguments.
@lru_cache(maxsize=256)
def _repeated(repeats: Repeats, share: float) -> tuple[_Wait, ...]:
    found = []
    reached, mean, variance = share, 0.0, 0.0
    wait = repeats.first_seconds
    for call in range(2, repeats.calls_most + 1):
        mean += wait
        variance += wait**2 / 3  # full jitter: uniform from 0 to twice the mean
        again = repeats.again if call < repeats.calls_most else 0.0
        if reached > 0:
            found.append(_Wait(reached * (1 - again), mean, math.sqrt(2 * variance)))
        reached *= again
        wait = min(2 * wait, repeats.longest_seconds)
    return tuple(found)


@lru_cache(maxsize=256)
def _looked_up(waits: tuple[float, ...]) -> tuple[_Wait, ...]:
    found = []
    reached, mean = 1.0, 0.0
    for place, wait in enumerate(waits):
        mean += wait
        again = _LOOK_UP_AGAIN if place < len(waits) - 1 else 0.0
        found.append(_Wait(reached * (1 - again), mean, math.sqrt(2) * _SHARP_SECONDS))
        reached *= again
    return tuple(found)


def last_due(campaign: Campaign) -> float:
    """Return when the last of the jobs that are due later than soon is due; 0 without any."""
    late = (each.seconds for each in campaign.later if each.seconds > SOON_SECONDS)
    return max(late, default=0.0)
