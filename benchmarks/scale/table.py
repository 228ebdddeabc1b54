"""The scale's tables: costs in a large ledger beside those in a small one."""

from statistics import median
from typing import Any

from benchmarks.results import Results

Rows = list[dict[str, Any]]
RELEASE_LEAST = 10_000
_FLAT = 2.0
"""A cost counts as flat up to this ratio: what was measured in some milliseconds differs by as much."""
_QUICK_MS = 10.0
"""A query counts as flat below this whatever the ratio: so little is the machine's noise."""
_STEPS = ("release", "claim", "record")
_COUNTING = ("dead letters: count", "dead letters: count, campaign and reason")
"""Queries that count what they tell of: they grow with it, and with nothing else."""


def section(results: Results) -> str:
    """The section of the page; empty when nothing of it was measured."""
    parts = [_table(ledger, results.of(f"scale/{ledger}/")) for ledger in ("SQLite", "PostgreSQL")]
    found = "\n".join(part for part in parts if part)
    return f"## Scale\n\n{_PREFACE}\n{found}" if found else ""


def demand_section(results: Results) -> str:
    """What one issuance takes of every part; empty when it was not measured."""
    rows = results.of("demand/")
    if not rows:
        return ""
    lines = [
        "## What one job takes of every part\n",
        _DEMAND,
        "| | accepted | issued |",
        "| --- | --- | --- |",
    ]
    for kind, words in (("cpu_us", ", CPU µs"), ("counts", "")):
        for name in rows[0]["issued"][kind]:
            cells = [
                _cell([row[step][kind].get(name) for row in rows])
                for step in ("accepted", "issued")
            ]
            what = name.replace("_", " ").replace("wal", "WAL")
            lines.append(f"| {what}{words} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_DEMAND = """\
PostgreSQL as ledger, Redis as broker, a blast of unlimited rate, every process on all cores. The producer's own CPU is
in the table of acceptance. What 100 million a day need by these figures is worked out in [scale](scale.md).
"""


def _cell(values: list[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return ""
    middle = median(found)
    return f"{middle:,.0f}" if middle >= 10 else f"{middle:.3f}"  # noqa: PLR2004  # three digits that say something


_PREFACE = f"""\
A ledger filled by the database itself: nine tenths of its jobs are settled (one in a hundred as an open dead letter),
one tenth waits; then some real jobs go through each step. Clock's time, warm. Flat is up to {_FLAT:g} times the small
ledger's, and for a query below {_QUICK_MS:g} ms; one that counts reads an index entry for each one it counts.
"""


def _table(ledger: str, rows: Rows) -> str:
    if not rows:
        return ""
    small, *larger = sorted(rows, key=lambda row: row["jobs"])
    head = [f"### {ledger}\n", f"| what | {small['jobs']:,} jobs |", "| --- | --- |"]
    for row in larger:
        head[1] += f" {row['jobs']:,} jobs | ratio | |"
        head[2] += " --- | --- | --- |"
    lines = [
        _line(f"{step}, µs a job", small, larger, ("steps", step), "{:.0f}") for step in _STEPS
    ]
    lines.append(_line("accept, µs a row", small, larger, ("accept_us",), "{:.0f}"))
    for query in small["queries"]:
        counts = query in _COUNTING
        lines.append(
            _line(
                f"{query}, ms",
                small,
                larger,
                ("queries", query),
                "{:.2f}",
                counts=counts,
                floor=_QUICK_MS,
            )
        )
    lines.append(_whole_release(small, larger))
    lines.append(
        _line("bytes a job in the ledger", small, larger, ("bytes_a_job",), "{:,.0f}", judged=False)
    )
    if small["wal_bytes"]:
        lines.append(
            _line(
                "log (WAL) bytes a job: release to record",
                small,
                larger,
                ("wal_bytes",),
                "{:,.0f}",
                judged=False,
            )
        )
        lines.append(
            _line(
                "log (WAL) bytes a row: accept",
                small,
                larger,
                ("accept_wal_bytes",),
                "{:,.0f}",
                judged=False,
            )
        )
    lines.append(_line("filled in, s", small, larger, ("fill_seconds",), "{:.0f}", judged=False))
    return "\n".join([*head, *lines]) + "\n"


def _line(
    what: str,
    small: dict[str, Any],
    larger: Rows,
    path: tuple[str, ...],
    form: str,
    *,
    counts: bool = False,
    judged: bool = True,
    floor: float = 0.0,
) -> str:
    base = _value(small, path)
    line = f"| {what} | {form.format(base)} |"
    for row in larger:
        value = _value(row, path)
        ratio = value / base if base else 1.0
        verdict = (
            ""
            if not judged
            else "counts"
            if counts
            else "flat"
            if ratio <= _FLAT or value <= floor
            else "**not flat**"
        )
        line += f" {form.format(value)} | {ratio:.2f} | {verdict} |"
    return line


def _whole_release(small: dict[str, Any], larger: Rows) -> str:
    line = f"| whole release with publishing, jobs/s (goal ≥ {RELEASE_LEAST:,}) | {small['released_per_second']:,.0f} |"
    for row in larger:
        speed = row["released_per_second"]
        verdict = "met" if speed >= RELEASE_LEAST else "**not met**"
        line += f" {speed:,.0f} | {speed / small['released_per_second']:.2f} | {verdict} |"
    return line


def _value(row: dict[str, Any], path: tuple[str, ...]) -> float:
    found: Any = row
    for name in path:
        found = found[name]
    return float(found)
