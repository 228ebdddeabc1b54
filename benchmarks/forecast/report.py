"""The page that compares forecasts with what came true."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.forecast.run import CHECKS, Check

_GOAL_SHARE = CHECKS[0]
_ERROR_MOST, _HELD_LEAST, _HELD_MOST = 0.10, 0.70, 0.90
_FEW = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of forecasts was worth."""

    count: int
    error: float
    """The median of the difference between the likely and the true time, as a share of the true."""
    bias: float
    """The median of true by likely time."""
    close: float
    """Share of forecasts whose likely time was within a tenth."""
    held: float
    """Share of forecasts whose range held the truth."""
    width: float
    """The median width of the range, as a share of the true time."""

    def row(self, name: str) -> str:
        """The row of a table."""
        return (
            f"| {name} | {self.count} | {self.error:.1%} | {self.bias:.2f} | {self.close:.0%} "
            f"| {self.held:.0%} | {self.width:.0%} |"
        )


def measure(checks: Sequence[Check]) -> Figures:
    """Compare forecasts with what came true."""
    found = [(check.forecast(), check.truth) for check in checks]
    errors = [abs(each.p50 - truth) / truth for each, truth in found]
    return Figures(
        len(found),
        median(errors),
        median(truth / each.p50 for each, truth in found),
        mean(error <= _ERROR_MOST for error in errors),
        mean(each.p10 <= truth <= each.p90 for each, truth in found),
        median((each.p90 - each.p10) / truth for each, truth in found),
    )


def judge(checks: Sequence[Check]) -> list[str]:
    """Return the goals that are not met."""
    found = measure([each for each in checks if each.share == _GOAL_SHARE])
    unmet = []
    if found.error > _ERROR_MOST:
        unmet.append(f"the median differs by {found.error:.1%}, not by at most {_ERROR_MOST:.0%}")
    if not _HELD_LEAST <= found.held <= _HELD_MOST:
        unmet.append(
            f"the range holds the truth in {found.held:.0%} of the runs, not in {_HELD_LEAST:.0%} "
            f"to {_HELD_MOST:.0%}"
        )
    return unmet


_HEAD = """# How good the forecasts of a campaign's end are

`python -m benchmarks.forecast` writes this page. It simulates campaigns in virtual time, with the
product's own limiter (its Lua and Python) and retry policy, and models of the API, the workers and
the release. In each of {runs} runs (seeds {first} to {last}) at least one of these happens: the API
answers 429 above a limit of its own, always or for some time; it fails for 5 to 40 s at random
times, which suspends the account; its latency rises to 2 to 12 times; other campaigns begin and
end, half of the later ones unknown before they begin; the campaign has a window or a rate of its
own, which the forecast knows. A campaign takes 90 s to 10 min without faults.

The ranges were fitted to other runs (seeds 0 to 199): `issuance/forecast/calibration.py`.

* **differs**: the likely time against the true remaining time, the median over the runs
* **true / likely**: its median; 1.00 is unbiased
* **within 10 %**: share of runs whose likely time was that close
* **holds**: share of runs in which the true time was within the range; 80 % is the aim
* **width**: of the range, as a share of the true time, the median

Goals, after the first 5 % of the lines: differs at most 10 %, holds 70 to 90 %.
"""
_REAL = """
## On the real system

By hand, on 2026-11-29: `issuance up --simulator` at 3,000 calls a minute, campaigns of 3,000 lines
on a machine that was busy with tests. The forecast is that of `issuance status --json` after 5 % of
the lines, in seconds from then. In the runs with a fault that begins later the forecast could not
know it, and a fault of 15 to 20 s is a third of such a short campaign.

| what happens | earliest | likely | latest | truth | differs |
|---|---|---|---|---|---|
| another campaign with as many lines is about to end | 69 | 73 | 92 | 69 | 7 % |
| 3 % of calls get 503, 1 % a reset after the issue | 56 | 60 | 77 | 61 | 3 % |
| another campaign of 1,000 lines and weight 2 from the start | 40 | 57 | 66 | 51 | 11 % |
| later: another campaign of 1,000 lines | 54 | 58 | 74 | 75 | 23 % |
| later: every call gets 503 for 15 s | 46 | 49 | 61 | 59 | 16 % |
| later: answers take 3 s for 20 s | 55 | 59 | 75 | 108 | 46 % |
| later: 30 % of calls get 429 for 20 s | 54 | 57 | 73 | 68 | 16 % |
"""
_COLUMNS = (
    "| {} | runs | differs | true / likely | within 10 % | holds | width |\n"
    "|---|---|---|---|---|---|---|"
)


def write_page(checks: Sequence[Check], *, first: int, runs: int) -> str:
    """Write the page."""
    head = _HEAD.format(runs=runs, first=first, last=first + runs - 1)
    early = [each for each in checks if each.share == _GOAL_SHARE]
    parts = [
        head,
        "## By progress\n",
        *_table("lines settled", checks, lambda check: [f"{check.share:.0%}"]),
        "\n## By what happens, after the first 5 %\n",
        "A run counts in each row that fits.\n",
        *_table("what happens", early, lambda check: check.kinds),
        "\n## By what sets the speed, after the first 5 %\n",
        *_table("speed set by", early, lambda check: [check.forecast().speed.pace.value]),
    ]
    return "\n".join(parts) + "\n" + _REAL


def _table(
    name: str, checks: Sequence[Check], groups: Callable[[Check], Sequence[str]]
) -> list[str]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        for group in groups(check):
            found.setdefault(group, []).append(check)
    rows = [
        measure(found[key]).row(key) for key in sorted(found, key=_order) if len(found[key]) >= _FEW
    ]
    return [_COLUMNS.format(name), *rows]


def _order(key: str) -> tuple[int, str]:
    return (len(key) if key.endswith("%") else 0, key)
