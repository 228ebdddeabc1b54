"""How many calls a second an account will make, from what it made and from its limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_HALF_LIFE = 60.0
"""Seconds after which a bucket counts half."""
_FULL = 0.9
"""An account that makes this share of its rate makes all of it."""
_OF_RATE = 0.985
"""The share of its rate that an account makes: chunks end, and children wait for the next."""
_START_SECONDS = 3.0
"""After a start calls are few: they wait for the first answers."""
_LEAST_SECONDS = 4.0
"""Fewer seconds than this say nothing about the speed."""
_LIMITED_LEAST = 20.0
_IDLE = 0.1
"""A bucket with less than this share of the usual calls was in a suspension, or without work."""
_IDLE_SECONDS = 15.0
"""Few calls for this long, up to now, are the speed of now."""


class Pace(StrEnum):
    """What sets the speed; a forecast's range depends on it."""

    RATE = "rate"
    """The rate: the account makes all the calls that it allows."""
    LIMIT = "limit"
    """An adaptive limit below the rate."""
    WORKERS = "workers"
    """Workers and the API's latency: the account makes fewer calls than it may."""
    SUSPENDED = "suspended"
    """No call may start now."""
    UNKNOWN = "unknown"
    """No call was made yet: the rate, if there is one."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that an account made lately."""

    bucket_seconds: float
    counts: Sequence[int] = ()
    """By bucket, newest last, from the time on when there was work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """An account's limits now."""

    rate_per_minute: int = 0
    """0: unlimited."""
    adaptive_per_minute: int = 0
    """0: there is none."""
    adaptive_seconds: float = 0.0
    """Since it was set."""
    recovers: bool = False
    """The adaptive limit only spreads calls after a suspension."""
    is_suspended: bool = False
    until_seconds: float = 0.0
    """Until a suspended account may be tried."""
    suspended_seconds: float = 0.0
    """Since it was suspended."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The calls a second that an account makes while it is available."""

    per_second: float
    """0: unknown."""
    pace: Pace
    seconds: float = 0.0
    """How long the calls were watched, at most."""


def estimate_speed(calls: Calls, limits: Limits, *, has_work: bool = True) -> Speed:
    """Estimate the speed of an account; `has_work`: calls may start now, so few are a sign."""
    limited = bool(limits.adaptive_per_minute) and not limits.recovers
    rate = limits.rate_per_minute / 60
    most = limits.adaptive_per_minute / 60 if limited else rate
    trusts_idle = has_work and not limits.is_suspended
    measured, seconds = _measure(calls, limits, limited=limited, trusts_idle=trusts_idle)
    if seconds == 0 or (seconds < _LEAST_SECONDS and most):
        return Speed(most * _OF_RATE, Pace.UNKNOWN, seconds)
    if limited:
        return Speed(measured, Pace.LIMIT, seconds)
    if rate and measured >= _FULL * rate:
        return Speed(max(rate * _OF_RATE, min(measured, rate)), Pace.RATE, seconds)
    return Speed(measured, Pace.WORKERS, seconds)


def _measure(
    calls: Calls, limits: Limits, *, limited: bool, trusts_idle: bool
) -> tuple[float, float]:
    """Return the mean speed, newer buckets weighing more, and the seconds it is from."""
    size = calls.bucket_seconds
    counts = calls.counts
    started = math.ceil(_START_SECONDS / size)
    if len(counts) > 2 * started:
        counts = counts[started:]
    if limited:
        since = max(limits.adaptive_seconds, _LIMITED_LEAST)
        counts = counts[-max(1, int(since / size)) :]
    weight = total = 0.0
    for place, count in _busy(counts, 0 if not trusts_idle else math.ceil(_IDLE_SECONDS / size)):
        share = 0.5 ** (place * size / _HALF_LIFE)
        weight += share
        total += share * count
    return (total / weight / size if weight else 0.0), len(counts) * size


def _busy(counts: Sequence[int], idle_least: int) -> list[tuple[int, int]]:
    """Return the buckets with work, newest first, numbered; and a long idle time up to now."""
    ordered = sorted(filter(None, counts))
    usual = ordered[len(ordered) * 3 // 4] if ordered else 0
    newest_first = list(reversed(counts))
    idle = next(
        (place for place, count in enumerate(newest_first) if count >= _IDLE * usual),
        len(newest_first),
    )
    is_now = 0 < idle_least <= idle
    kept = [
        count
        for place, count in enumerate(newest_first)
        if (count >= _IDLE * usual and count) or (is_now and place < idle)
    ]
    return list(enumerate(kept))
