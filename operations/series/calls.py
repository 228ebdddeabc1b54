"""A campaign's calls over time: how many, how long they took, and what was answered.

A span with many calls is counted by the index of all calls and described by a sample of them, so
that the cost grows with the number of points and not with the campaign.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from issuance.outcome import Kind
from ledger.campaigns import Campaign, find_in
from ledger.queries.call_spans import CallSpan, read_call_span
from ledger.queries.campaign_times import CampaignTimes, read_times
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject

MOST_SPANS = 200
_SIZES_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400),
)
_UNSETTLED_MS = 60_000
"""Calls are recorded a while after they began: the newest spans are read again."""
_KEPT_SERIES = 50
PERCENTILES = (50, 95, 99)

Point = tuple[float, float | None]
"""Seconds since 1970, and the value; None: nothing is known."""


@dataclass(frozen=True, slots=True)
class Span:
    """The calls that one campaign began in a span of time."""

    begin: float
    """Seconds since 1970."""
    calls: float
    """An estimate if `is_sampled`."""
    is_sampled: bool = False
    percentiles: tuple[int, ...] | None = None
    """How long calls took in ms, for each of `PERCENTILES`; None: there was no call."""
    answers: Mapping[str, float] = field(default_factory=dict)
    """Calls by `issuance.outcome.Kind`; estimates if `is_sampled`."""


@dataclass(frozen=True, slots=True)
class CallSeries:
    """A campaign's calls over time."""

    begin: float
    """Seconds since 1970."""
    end: float
    span_seconds: int
    spans: Sequence[Span] = ()
    """Oldest first; those that were not read are missing."""
    expected: int = 0
    """How many spans there are."""

    @property
    def is_complete(self) -> bool:
        """Whether all spans were read; otherwise the next reading continues."""
        return len(self.spans) == self.expected

    @property
    def is_sampled(self) -> bool:
        """Whether any value is an estimate from a sample of calls."""
        return any(span.is_sampled for span in self.spans)

    def calls_per_minute(self) -> list[Point]:
        """Return the rate of calls."""
        return [
            (span.begin, span.calls * 60 / self.span_seconds)
            for span in self.spans
            # The last span has just begun: it would look like a fall.
            if span.begin + self.span_seconds <= self.end or len(self.spans) == 1
        ]

    def percentile(self, percent: int) -> list[Point]:
        """Return how long calls took in ms; `percent` is one of `PERCENTILES`."""
        place = PERCENTILES.index(percent)
        return [
            (span.begin, None if span.percentiles is None else span.percentiles[place])
            for span in self.spans
        ]

    def answers(self, kind: Kind) -> list[Point]:
        """Return the share of calls with this answer in percent."""
        return [
            (span.begin, 100 * span.answers.get(kind.value, 0) / span.calls if span.calls else None)
            for span in self.spans
        ]

    def kinds(self) -> list[Kind]:
        """Return the kinds of answers that there are."""
        found = {kind for span in self.spans for kind in span.answers}
        return [kind for kind in Kind if kind.value in found]


class SeriesCache:
    """What one process remembers of series: a complete span never changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[int, int], dict[int, Span]] = {}

    def spans_of(self, campaign_id: int, span_ms: int) -> dict[int, Span]:
        """Return the known spans by number, to be added to; the oldest series are forgotten."""
        with self._lock:
            spans = self._known.pop((campaign_id, span_ms), {})
            self._known[campaign_id, span_ms] = spans
            while len(self._known) > _KEPT_SERIES:
                self._known.pop(next(iter(self._known)))
            return spans


@needs(Right.VIEW)
def read_calls(
    subject: Subject,
    ledger: Ledger,
    name: str,
    cache: SeriesCache,
    *,
    seconds: float | None = None,
) -> CallSeries:
    """Read a campaign's calls over time, at most `MOST_SPANS` points; pruned calls are not there.

    Args:
        subject: asks for it.
        ledger: the record.
        name: the campaign's name.
        cache: remembers what was read.
        seconds: read for about this long, the newest first; None: all.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        return _read(connection, campaign, read_times(connection, campaign), cache, seconds)


def _read(
    connection: Connection,
    campaign: Campaign,
    times: CampaignTimes,
    cache: SeriesCache,
    seconds: float | None,
) -> CallSeries:
    if times.begin is None:
        return CallSeries(times.now / 1000, times.now / 1000, _SIZES_SECONDS[0])
    size = span_size_ms(times.begin, times.end)
    numbers = range(times.begin // size, times.end // size + 1)
    known = cache.spans_of(campaign.id, size)
    until = None if seconds is None else time.monotonic() + seconds
    found: dict[int, Span] = {}
    for number in reversed(numbers):
        span = known.get(number)
        if span is None:
            if until is not None and time.monotonic() > until:
                continue
            read = read_call_span(connection, number * size, (number + 1) * size)
            span = _span(read, campaign.id, number * size)
            if (number + 1) * size + _UNSETTLED_MS < times.now:
                known[number] = span
        found[number] = span
    spans = [found[number] for number in sorted(found)]
    return CallSeries(times.begin / 1000, times.end / 1000, size // 1000, spans, len(numbers))


def span_size_ms(begin_ms: int, end_ms: int) -> int:
    """Return the length of the spans, such that there are at most `MOST_SPANS`."""
    for seconds in _SIZES_SECONDS:
        size = seconds * 1000
        if end_ms // size - begin_ms // size < MOST_SPANS:
            return size
    days = -(-(end_ms - begin_ms) // (_SIZES_SECONDS[-1] * 1000 * (MOST_SPANS - 1)))
    return days * _SIZES_SECONDS[-1] * 1000


def _span(read: CallSpan, campaign_id: int, begin_ms: int) -> Span:
    ours = [call for call in read.sample if call.campaign_id == campaign_id]
    if not ours:
        return Span(begin_ms / 1000, 0.0, read.is_sampled)
    weight = read.made / len(read.sample)
    took = sorted(call.took_ms for call in ours)
    kinds = Counter(call.kind for call in ours)
    return Span(
        begin_ms / 1000,
        len(ours) * weight,
        read.is_sampled,
        tuple(took[-(-len(took) * percent // 100) - 1] for percent in PERCENTILES),
        {kind: count * weight for kind, count in sorted(kinds.items())},
    )
