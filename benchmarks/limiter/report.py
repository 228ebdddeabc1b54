"""The laboratory's page: the table of scenarios and whether each goal is met."""

from collections.abc import Sequence

from benchmarks.limiter.laboratory import CONTROLLERS, OFF, OURS, Result, seeds_of

_HEAD = """# The limiter's laboratory

`make limiter` runs the limiter's own Lua scripts and Python against models of APIs in virtual time:
a minute takes a fraction of a second, because the clock is a parameter. For comparison, the same
scenarios run with `ISSUANCE_API_RATE_ADAPTS=false` (*off*), with the adaptive mode of the AWS SDKs,
and with the client-side throttling of Google's SRE book with K = 2. The models are in
`benchmarks/limiter/apis.py`, the scenarios and goals in `scenarios.py`. R and C are
{per_second:.0f} calls a second; two children have {places} places for calls each.

Medians of {seeds} seeds for ours and {compared} for the others; {seconds:.0f} s in total. *used*
is the share that was used of what the model can serve, *refused* the share of calls that it
refused, both after the first ten seconds. With a queue they count from 15 s, because the calls of
the first second, at four times the capacity, wait until then.
[The architecture](../explanation/architecture.md#the-limits-of-the-account) describes what an
operator sees, [decision
11](../decisions/0011-lower-the-rate-only-for-what-fewer-calls-prevent.md) the reasons.

![Calls, accepted calls and the limit over time](limiter.png)

"""


def write_page(
    results: Sequence[Result], *, seeds: int, seconds: float, per_second: float, places: int
) -> str:
    """The page as Markdown."""
    names = " | ".join(CONTROLLERS)
    lines = [
        f"| scenario | goal | {names} | met |",
        "| --- | --- |" + " ---: |" * len(CONTROLLERS) + " --- |",
    ]
    for result in results:
        lines += _rows(result)
    compared = seeds_of(OFF, seeds)
    head = _HEAD.format(
        seeds=seeds, compared=compared, seconds=seconds, per_second=per_second, places=places
    )
    return head + "\n".join(lines) + "\n"


def _rows(result: Result) -> list[str]:
    rows = []
    for place, goal in enumerate(result.scenario.goals):
        ours, off = result.medians[OURS][goal.measure], result.medians[OFF][goal.measure]
        numbers = " | ".join(_number(result.medians[name][goal.measure]) for name in CONTROLLERS)
        met = "yes" if goal.is_met(ours, off) else "**no**"
        rows.append(
            f"| {result.scenario.name if place == 0 else ''} | {goal} | {numbers} | {met} |"
        )
    return rows


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"
