"""Scales: from values to places, with round ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_THOUSAND = 1_000
_UNITS = ("", "k", "M", "G")


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values from `low` to `high` to places from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Return the place of a value; beyond the ends for values beyond them."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.0
        return self.begin + share * (self.end - self.begin)


def number_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers from `low` to at least `high`; at most `most` steps."""
    span = high - low
    if span <= 0:
        return [low, low + 1]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in _STEPS if factor * power >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def short_number(value: float) -> str:
    """Write a number in few characters: `1.5k`, `20M`, `0.25`."""
    if abs(value) < _THOUSAND:
        return f"{value:.4g}"
    power = min(int(math.log10(abs(value)) // 3), len(_UNITS) - 1)
    return f"{value / _THOUSAND**power:.4g}{_UNITS[power]}"


def time_ticks(low: float, high: float, zone: tzinfo = UTC, most: int = 6) -> list[float]:
    """Return round times between two, in seconds since the epoch; days begin at local midnight."""
    span = max(high - low, 1.0)
    step = next((step for step in _TIME_STEPS if span / step <= most), None)
    if step is not None and step < _HOUR:
        first = math.ceil(low / step)
        return [float(number * step) for number in range(first, math.floor(high / step) + 1)]
    if step is not None:
        return _local_ticks(low, high, zone, timedelta(seconds=step))
    days = max(1, math.ceil(span / _DAY / most))
    return _local_ticks(low, high, zone, timedelta(days=days))


def _local_ticks(low: float, high: float, zone: tzinfo, step: timedelta) -> list[float]:
    """Step through local times, so that a change of daylight saving moves no tick off its hour."""
    local = datetime.fromtimestamp(low, zone).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=None
    )
    found: list[float] = []
    while (at := local.replace(tzinfo=zone).timestamp()) <= high:
        if at >= low:
            found.append(at)
        local += step
    return found


def time_labels(ticks: Sequence[float], zone: tzinfo = UTC) -> list[str]:
    """Write times: seconds, minutes or days, as far as the ticks differ."""
    moments = [datetime.fromtimestamp(tick, zone) for tick in ticks]
    step = min((after - before for before, after in pairwise(ticks)), default=60.0)
    if step >= _DAY:
        return [f"{moment:%d %b}" for moment in moments]
    form = "%H:%M:%S" if step < _MINUTE else "%H:%M"
    labels = []
    day = None
    for moment in moments:
        is_new_day = day is not None and moment.date() != day
        labels.append(f"{moment:%d %b} {moment:{form}}" if is_new_day else f"{moment:{form}}")
        day = moment.date()
    return labels
