"""The report: benchmarks.md and its plot, written from the results alone."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.contenders import BARE, CONTENDERS, CORE_SHARE, ON_CORES
from benchmarks.goals import LEDGERS, STEPS, goals, relative_speed
from benchmarks.promises.table import section as promises_section
from benchmarks.results import Results
from benchmarks.scale.table import demand_section
from benchmarks.scale.table import section as scale_section

Rows = list[dict[str, Any]]
PLOT = "benchmarks.png"


def render(
    results: Results, *, command: str, machine: str, versions: str, date: str, commit: str
) -> str:
    """The page as Markdown."""
    loads = [row["load"] for row in results.of("load/")]
    parts = [
        "# Benchmarks\n",
        f"Written by `{command}` on {date} at commit {commit}; do not edit.\n",
        f"* Machine: {machine}; load before the start {_range(loads, 1)}\n* {versions}",
        _stub_line(results),
        _goals(results),
        _PREFACE,
        f"![Issuances per second relative to the bare script]({PLOT})\n",
        *(_race(results, latency_ms, variant) for latency_ms, variant in _races(results)),
        _cores(results),
        _acceptance(results),
        _costs(results),
        promises_section(results),
        scale_section(results),
        demand_section(results),
    ]
    return "\n".join(part for part in parts if part)


def _stub_line(results: Results) -> str:
    found = [row["per_second"] for row in results.of("stub/")]
    shown = f"{_middle(found):,.0f} calls/s ({_range(found)})"
    return f"* Without latency, the stub API answers {shown}.\n"


_PREFACE = """\
The measured worker has one core for all its processes; stub API, broker, database, producers and
release share the others. Each figure is a median, with the minimum and maximum of the repeats in
brackets. Repeats are interleaved, and "relative to bare" compares the runs of one round. A run
lasts from the first tenth of its calls to the last answer, or for this system to the last outcome
in the ledger. The bare script has neither a queue nor a record; the peers have a queue and no
record; this system releases, claims, sends and records, with its events and its log on. Compare
ratios, not figures of different machines.
"""


def ratios(results: Results, latency_ms: int, variant: str) -> dict[str, list[float]]:
    """Contender → its speed relative to the bare script, in each round that has both."""
    return relative_speed(results, f"race/{latency_ms}/{variant}/", BARE.name)


def _goals(results: Results) -> str:
    rows = [
        f"| {one.what} | {one.wanted} | {one.measured} | {'met' if one.is_met else '**not met**'} |"
        for one in goals(results)
    ]
    head = ["## Goals\n", "| what | goal | measured | |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n" if rows else ""


def _races(results: Results) -> list[tuple[int, str]]:
    return list(dict.fromkeys((row["latency_ms"], row["variant"]) for row in results.of("race/")))


def _race(results: Results, latency_ms: int, variant: str) -> str:
    by_name = _by(results.of(f"race/{latency_ms}/{variant}/"), "contender")
    records = {one.name: one.record for one in CONTENDERS}
    lines = [
        f"## An API that answers after {latency_ms} ms, {variant} endpoint\n",
        "| contender | record | issuances/s | relative to bare | CPU µs each | RSS MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, ratio in ratios(results, latency_ms, variant).items():
        rows, record = by_name[name], records[name] or "none"
        speed, cpu = [row["per_second"] for row in rows], [row["cpu_us"] for row in rows]
        memory = _middle(row["rss_mb"] for row in rows)
        lines.append(
            f"| {name} | {record} | {_middle(speed):,.0f} ({_range(speed)}) "
            f"| **{_middle(ratio):.2f}** ({_range(ratio, 2)}) "
            f"| {_middle(cpu):,.0f} | {memory:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _cores(results: Results) -> str:
    """The table of two cores compared with one."""
    rows = {cores: results.of(f"cores/{cores}/") for cores in ON_CORES}
    if not all(rows.values()):
        return ""
    lines = [
        "## Two cores compared with one\n",
        f"The worker may use {CORE_SHARE:.0%} of each core (control groups), all else the rest.\n",
        "| the worker has | issuances/s | CPU µs each |",
        "| --- | --- | --- |",
    ]
    for cores, contender in ON_CORES.items():
        speed, cpu = ([row[name] for row in rows[cores]] for name in ("per_second", "cpu_us"))
        lines.append(
            f"| {contender.name} | {_middle(speed):,.0f} ({_range(speed)}) | {_middle(cpu):,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _acceptance(results: Results) -> str:
    lines = [
        "## Acceptance: `issuance blast`\n",
        "| ledger | file | rows/s | CPU µs a row | peak RSS MB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for ledger in LEDGERS:
        for run in ("new", "again"):
            rows = results.of(f"accept/{ledger}/{run}/")
            if rows:
                speed, cpu = (
                    [row["rows_per_second"] for row in rows],
                    [row["cpu_us"] for row in rows],
                )
                memory = _middle(row["rss_mb"] for row in rows)
                lines.append(
                    f"| {ledger} | {rows[0]['rows']:,} rows, {run} "
                    f"| {_middle(speed):,.0f} ({_range(speed)}) "
                    f"| {_middle(cpu):.1f} | {memory:,.0f} |"
                )
    return "\n".join(lines) + "\n"


def _costs(results: Results) -> str:
    lines = [
        "## The ledger's steps, µs per job\n",
        "CPU of the process that runs the step; wall time (with the database's) in brackets.\n",
        "| ledger | jobs in it | release | claim | classify | record | status query ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for ledger in LEDGERS:
        rows = results.of(f"costs/{ledger}/")
        lines += [
            _cost_line(ledger, [row[size] for row in rows]) for size in ("few", "many") if rows
        ]
    return "\n".join(lines) + "\n"


def _cost_line(ledger: str, measured: Rows) -> str:
    cells = [
        f"{_middle(one['cpu'][step] for one in measured):.0f} "
        f"({_middle(one['clock'][step] for one in measured):.0f})"
        for step in STEPS
    ]
    query = _middle(one["query"]["status of the campaign"] for one in measured) / 1000
    return f"| {ledger} | {measured[0]['jobs']:,.0f} | {' | '.join(cells)} | {query:.1f} |"


def _by(rows: Rows, name: str) -> defaultdict[str, Rows]:
    found: defaultdict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _middle(values: Iterable[float]) -> float:
    found = list(values)
    return median(found) if found else 0.0


def _range(values: list[float], digits: int = 0) -> str:
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}" if values else "none"
