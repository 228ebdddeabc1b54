"""The promises, their goals and whether this run kept them, as one table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.promises.arrivals import percentile
from benchmarks.promises.rate import FAST, SLOW
from benchmarks.results import Results

_MANY = 20
"""The number of samples from which a 99th percentile is shown."""


def worst(values: Sequence[float]) -> float:
    """The greatest value."""
    return max(values)


def p50(values: Sequence[float]) -> float:
    """The median."""
    return percentile(values, 0.5)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return percentile(values, 0.99)


@dataclass(frozen=True)
class Promise:
    """A goal for one figure."""

    figure: str
    """The measurement's name for it."""
    words: str
    goal: str
    limit: float
    """The maximum of `judged`; with `least`, the minimum."""
    judged: Callable[[Sequence[float]], float] = worst
    least: bool = False
    form: str = "{:.2f} s"

    def is_kept(self, values: Sequence[float]) -> bool:
        """Whether the goal is met."""
        if self.least:
            return min(values) >= self.limit
        return self.judged(values) <= self.limit


def _rate_promises() -> Iterator[Promise]:
    for rate in (FAST, SLOW):
        at = f"2 workers of 2 children at {rate:,} calls a minute"
        yield Promise(
            f"rate/{rate}/used", f"rate used, {at}", "≥ 97 %", 0.97, least=True, form="{:.1%}"
        )
        what = f"fullest window of 1 s, 10 s and the whole, {at}, relative to its bound"
        yield Promise(f"rate/{rate}/window", what, "≤ 100 %", 1.0, form="{:.1%}")


_MS = "{:.0f} ms"
_IDLE = "one request in an idle system, acceptance to record without the API's time"
PROMISES = (
    *_rate_promises(),
    Promise(
        "rate/change",
        f"`limits set` to {SLOW} and back, from its end until all windows follow it",
        "≤ 1 s",
        1.0,
    ),
    Promise(
        "rate/round trips",
        "Redis round trips for limits, locks and paused campaigns per call",
        "≤ 0.33",
        0.33,
        form="{:.2f}",
    ),
    Promise(
        "fair/equal",
        "two equal campaigns, error of their shares in any 10 s",
        "≤ 10 %",
        0.1,
        form="{:.1%}",
    ),
    Promise(
        "fair/weighted",
        "weights 3 and 1, error of the shares in any 10 s",
        "≤ 10 %",
        0.1,
        form="{:.1%}",
    ),
    Promise(
        "background/room",
        "background call during a blast, from acceptance",
        "p99 ≤ 250 ms",
        250,
        p99,
        form=_MS,
    ),
    Promise(
        "background/no room",
        "the same while the blast uses up the rate",
        "p99 ≤ 250 ms",
        250,
        p99,
        form=_MS,
    ),
    Promise("pause/end", "last call after `campaign pause` ended", "≤ 1 s", 1.0),
    Promise("pause/start", "last call after `campaign pause` started", "≤ 2 s", 2.0),
    Promise("cancel/end", "last call after `campaign cancel` ended", "≤ 1 s", 1.0),
    Promise(
        "cancel/start",
        "last call after `campaign cancel` started, 20,000 rows waiting",
        "≤ 2 s",
        2.0,
    ),
    Promise("resume/first", "first call after `campaign resume` ended", "≤ 1 s", 1.0),
    Promise(
        "resume/missing",
        "rows of the paused and resumed blast that were not issued",
        "0",
        0,
        form="{:.0f}",
    ),
    Promise("resume/repeats", "repeated calls of that blast", "0", 0, form="{:.0f}"),
    *(
        Promise(f"idle/{ledger}", f"{_IDLE}, {ledger}", goal, most, of, form=_MS)
        for ledger in ("SQLite", "PostgreSQL")
        for goal, most, of in (("p50 ≤ 50 ms", 50, p50), ("p99 ≤ 150 ms", 150, p99))
    ),
    Promise(
        "intake/share",
        "first call of a file, relative to the time of reading it",
        "< 50 %",
        0.5,
        form="{:.1%}",
    ),
    Promise("intake/first", "first call after `issuance blast` started", "≤ 5 s", 5.0),
    Promise("broker/data", "broker's data, 200,000 rows waiting", "≤ 1 MB", 1.0, form="{:.2f} MB"),
)


def section(results: Results) -> str:
    """The section of the page; empty without measurements."""
    found = samples(results)
    rows = [_row(promise, found[promise.figure]) for promise in PROMISES if promise.figure in found]
    if not rows:
        return ""
    head = [
        "## Promises\n",
        _PREFACE,
        "| promise | goal | median | p99 | worst | of | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows]) + "\n"


_PREFACE = """\
By the stub's log of arrivals (answers take 50 ms); every process runs on all cores. A window's
bound is its share of the rate and one burst: the calls of one second, for time that was not used.
Background requests are made during a blast with a rate limit; in the first of their two rows, the
blast's few concurrent calls limit it, and not the account's rate.
"""


def samples(results: Results) -> dict[str, list[float]]:
    """Figure → all its measured values."""
    found: dict[str, list[float]] = {}
    for row in results.of("promise/"):
        for figure, values in row["figures"].items():
            found.setdefault(figure, []).extend(values)
    return found


def _row(promise: Promise, values: Sequence[float]) -> str:
    far = min(values) if promise.least else max(values)
    shown = [promise.form.format(one) for one in (p50(values), p99(values), far)]
    if len(values) < _MANY:
        shown[1] = ""
    kept = "met" if promise.is_kept(values) else "**not met**"
    return f"| {promise.words} | {promise.goal} | {' | '.join(shown)} | {len(values)} | {kept} |"
