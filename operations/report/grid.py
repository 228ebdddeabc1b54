"""Spans of time for a report's charts, and what was counted in them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Any, Final

from issuance.outcome import Kind
from ledger.limit_samples import Limits
from ledger.queries.call_series import CampaignSeries, Grid

MOST_POINTS: Final = 240
"""Points of a chart at most: a report has a bounded size."""
PERCENTILES: Final = (50, 95, 99)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12)),
)


def make_grid(begin_ms: int, end_ms: int) -> tuple[Grid, int]:
    """Divide a time into at most `MOST_POINTS` spans of a round length; returns their number."""
    seconds = max(1, -(-(end_ms - begin_ms) // 1000))
    span = next((each for each in _SECONDS if seconds / each < MOST_POINTS - 1), None)
    if span is None:
        span = -(-seconds // (_DAY * (MOST_POINTS - 1))) * _DAY
    span_ms = span * 1000
    begin = begin_ms // span_ms * span_ms
    return Grid(begin, span_ms), (end_ms - begin) // span_ms + 1


def series_values(found: CampaignSeries, count: int) -> dict[str, Any]:
    """Return what was counted in `count` spans, as integers.

    Calls that their worker's clock puts outside of the spans are only counted.
    """
    places = range(count)
    outside = sum(calls for (place, _), calls in found.calls.items() if place not in places)
    return {
        "callsTotal": found.calls.total(),
        "callsOutside": outside,
        "calls": {
            kind.value: [found.calls[place, kind.value] for place in places] for kind in Kind
        },
        "tookMs": _percentiles(found.took, places),
        "jobs": found.accepted.total(),
        "accepted": [found.accepted[place] for place in places],
        "settled": [found.settled[place] for place in places],
        "backlog": _backlog(found, places),
    }


def _percentiles(took: Mapping[tuple[int, int], int], places: range) -> dict[str, list[int | None]]:
    by_place: dict[int, Counter[int]] = {}
    for (place, duration), count in took.items():
        by_place.setdefault(place, Counter())[duration] += count
    found: dict[str, list[int | None]] = {f"p{share}": [] for share in PERCENTILES}
    for place in places:
        counts = by_place.get(place, Counter())
        for share in PERCENTILES:
            found[f"p{share}"].append(percentile(counts, share))
    return found


def percentile(counts: Mapping[int, int], share: int) -> int | None:
    """Return the smallest value that `share` percent of all do not exceed; None without values."""
    wanted = -(-sum(counts.values()) * share // 100)
    values = sorted(counts)
    sums = accumulate(counts[value] for value in values)
    return next((value for value, seen in zip(values, sums, strict=True) if seen >= wanted), None)


@dataclass(frozen=True, slots=True)
class LimitValues:
    """An account's limits over time, in calls a minute; None: there was none, or it is unknown."""

    adaptive: list[int | None]
    """The lowest of each span."""
    rates: list[tuple[int, int | None]]
    """The rate, each time that it changed, in ms."""


def limit_values(
    changes: Iterable[tuple[int, Limits]], grid: Grid, count: int, end_ms: int
) -> LimitValues:
    """Distribute limits, each with when it began, over `count` spans."""
    found = LimitValues([None] * count, [])
    nothing = Limits(None, None)
    for (at, limits), (until, _) in pairwise(chain(changes, [(end_ms + 1, nothing)])):
        if not found.rates or found.rates[-1][1] != limits.rate:
            found.rates.append((at, limits.rate))
        if limits.adaptive_limit is None:
            continue
        for place in range((at - grid.begin_ms) // grid.span_ms, count):
            if grid.begin_ms + place * grid.span_ms >= max(until, at + 1):
                break
            lowest = found.adaptive[place]
            if lowest is None or limits.adaptive_limit < lowest:
                found.adaptive[place] = limits.adaptive_limit
    return found


def _backlog(found: CampaignSeries, places: range) -> Sequence[int]:
    """Return the jobs that were accepted and not settled at the end of each span."""
    before = sum(count for place, count in found.accepted.items() if place < 0)
    before -= sum(count for place, count in found.settled.items() if place < 0)
    changes = (found.accepted[place] - found.settled[place] for place in places)
    return list(accumulate(changes, initial=before))[1:]
