"""Calls by result, their durations, and how long rewards take from acceptance to settlement."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from prometheus_client.metrics_core import Metric

from ledger.queries.attempt_counts import Counts, read_span
from operations.metrics import names
from operations.metrics.labels import code_label

_CALL_MS = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_SETTLEMENT_MS = (
    1_000, 5_000, 15_000, _MINUTE_MS, 5 * _MINUTE_MS, 15 * _MINUTE_MS,
    _HOUR_MS, 4 * _HOUR_MS, 12 * _HOUR_MS, 24 * _HOUR_MS,
)  # fmt: skip
_MOST_CODES = 40
"""Series of results; an API that answers more kinds of codes has the rest in one per kind."""

read_page = partial(read_span, call_bounds=_CALL_MS, settlement_bounds=_SETTLEMENT_MS)
"""Counts the attempts of a span, with the bounds of the histograms."""


class CodeSeries:
    """The results that have series of their own: as many as are allowed, and these for good."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def fold(self, counts: Counts) -> dict[tuple[str, str], int]:
        """Return the number of attempts by kind and label of the code."""
        found: Counter[tuple[str, str]] = Counter()
        for key, count in sorted(counts.items(), key=lambda item: -item[1]):
            if key[0] == "attempts":
                _, kind, code, status = key
                found[self._series(kind, code_label(code, status))] += count
        return dict(found)

    def _series(self, kind: str, label: str) -> tuple[str, str]:
        if (kind, label) not in self._known:
            if len(self._known) >= _MOST_CODES:
                return kind, "other"
            self._known.add((kind, label))
        return kind, label


def attempt_metrics(counts: Counts, series: CodeSeries) -> Iterator[Metric]:
    """Make the metrics of all attempts."""
    attempts = names.ATTEMPTS.counter()
    for labels, count in series.fold(counts).items():
        attempts.add_metric(list(labels), count)
    yield attempts
    yield names.RETRIES.single(counts["retries",])
    yield _histogram(names.CALL_DURATION, counts, "calls", _CALL_MS)
    yield _histogram(names.SETTLEMENT, counts, "settlements", _SETTLEMENT_MS)


def _histogram(
    description: names.Description, counts: Counts, key: str, bounds_ms: Sequence[int]
) -> Metric:
    family = description.histogram()
    total, buckets = 0, []
    for place in range(len(bounds_ms) + 1):
        total += counts[key, place]
        bound = bounds_ms[place] / 1000 if place < len(bounds_ms) else float("inf")
        buckets.append((_bound_text(bound), float(total)))
    family.add_metric([], buckets, counts[f"{key}_ms",] / 1000)
    return family


def _bound_text(seconds: float) -> str:
    return "+Inf" if seconds == float("inf") else str(float(seconds))
