"""The charts of a report, on one axis of time, from its facts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from charts.bar import Part, draw_bar
from charts.line import LineChart, Mark, Point, Series, draw_lines
from issuance.outcome import Kind
from issuance.states import SETTLED

_MINUTE = 60
_WIDTH, _HEIGHT = 720, 175
_KINDS: Final[Mapping[Kind, str]] = {
    Kind.ISSUED: "issued",
    Kind.PARTIAL: "issued in part",
    Kind.FAILED: "refused",
    Kind.TRANSIENT: "busy, tried again",
    Kind.IN_DOUBT: "no readable answer",
    Kind.DEFERRED: "deferred (429, 401)",
}
_Data = Mapping[str, Any]


def draw_states(states: Sequence[_Data]) -> str:
    """Draw the lines by state as one bar."""
    counts = {each["state"]: each["lines"] for each in states}
    parts = [
        Part(state.value.replace("_", " "), counts.get(state.value, 0), state.replace("_", "-"))
        for state in SETTLED
    ]
    return draw_bar("Lines by state", parts, width=_WIDTH)


def draw_charts(facts: _Data, marks: Sequence[_Data]) -> list[tuple[str, str]]:
    """Return each chart with its heading; `marks` are numbered in this order."""
    begin, end = (seconds(facts["axis"][name]) for name in ("begin", "end"))
    shown = [_mark(each) for each in marks]
    return [
        (
            heading,
            draw_lines(
                LineChart(
                    heading, lines, shown, unit=unit, begin=begin, end=end, width=_WIDTH,
                    height=_HEIGHT, empty="The ledger has no calls of it any more", id=name,
                )
            ),
        )
        for name, heading, unit, lines in (
            ("throughput", "Calls a minute", "", [*_throughput(facts, end)]),
            ("latency", "Time until the answer", " s", [*_latency(facts)]),
            ("outcomes", "Calls a minute by result", "", [*_outcomes(facts)]),
            ("backlog", "Jobs accepted and not settled yet", "", [*_backlog(facts)]),
        )
    ]  # fmt: skip


def seconds(time: str) -> float:
    """Return a time in ISO 8601 as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()


def _mark(mark: _Data) -> Mark:
    until = None if mark["until"] is None else seconds(mark["until"])
    return Mark(seconds(mark["at"]), mark["what"], until)


def _points(facts: _Data, values: Sequence[float | None], *, at_end: bool = False) -> list[Point]:
    """Place values in the middle of their spans, or at their ends."""
    span = facts["axis"]["spanSeconds"]
    first, last = seconds(facts["axis"]["begin"]), seconds(facts["axis"]["end"])
    offset = span if at_end else span / 2
    return [(min(last, first + number * span + offset), each) for number, each in enumerate(values)]


def _per_minute(facts: _Data, counts: Sequence[int]) -> list[float | None]:
    return [count * _MINUTE / facts["axis"]["spanSeconds"] for count in counts]


def _throughput(facts: _Data, end: float) -> Iterator[Series]:
    calls = [sum(counts) for counts in zip(*facts["series"]["calls"].values(), strict=True)]
    if any(calls):
        yield Series("calls", _points(facts, _per_minute(facts, calls)))
    for name, words in (("account", "rate of the account"), ("campaign", "rate of the campaign")):
        if rates := facts["rates"][name]:
            yield Series(words, _steps(rates, end))
    if any(facts["series"]["adaptiveLimit"]):
        yield Series("adaptive limit", _points(facts, facts["series"]["adaptiveLimit"]))


def _steps(rates: Sequence[_Data], end: float) -> list[Point]:
    found: list[Point] = []
    ends = [*(seconds(each["at"]) for each in rates[1:]), end]
    for each, until in zip(rates, ends, strict=True):
        found += [(seconds(each["at"]), each["perMinute"]), (until, each["perMinute"])]
    return found


def _latency(facts: _Data) -> Iterator[Series]:
    for name, values in facts["series"]["tookMs"].items():
        shown = [None if each is None else each / 1000 for each in values]
        yield Series(name, _points(facts, shown))


def _outcomes(facts: _Data) -> Iterator[Series]:
    for kind, words in _KINDS.items():
        counts = facts["series"]["calls"][kind.value]
        if any(counts):
            yield Series(words, _points(facts, _per_minute(facts, counts)))


def _backlog(facts: _Data) -> Iterator[Series]:
    if facts["series"]["jobs"]:
        yield Series("jobs", _points(facts, facts["series"]["backlog"], at_end=True))
