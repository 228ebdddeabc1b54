"""The tables of the scale: costs in a large ledger compared with a small one."""

from statistics import median
from typing import Any

from benchmarks.results import Results

Rows = list[dict[str, Any]]
RELEASE_LEAST = 10_000
_FLAT = 2.0
"""A cost counts as flat up to this ratio: measurements of milliseconds vary as much."""
_QUICK_MS = 10.0
"""A query counts as flat below this, whatever the ratio: the rest is noise."""
_STEPS = ("release", "claim", "record")
_COUNTING = ("dead letters: count", "dead letters: count, campaign and reason")
"""Queries that count dead letters: they grow with that number and nothing else."""


def section(results: Results) -> str:
    """The section of the page; empty without measurements."""
    parts = [_table(ledger, results.of(f"scale/{ledger}/")) for ledger in ("SQLite", "PostgreSQL")]
    found = "\n".join(part for part in parts if part)
    return f"## Scale\n\n{_PREFACE}\n{found}" if found else ""


def demand_section(results: Results) -> str:
    """What one issuance needs of every component; empty without measurements."""
    rows = results.of("demand/")
    if not rows:
        return ""
    lines = [
        "## What one job needs of every component\n",
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
PostgreSQL as ledger, Redis as broker, a blast without a rate limit, every process on all cores. The
producer's CPU is in the table of acceptance. [Scale](scale.md) works out what 100 million jobs a
day need.
"""


def _cell(values: list[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return ""
    middle = median(found)
    return f"{middle:,.0f}" if middle >= 10 else f"{middle:.3f}"  # noqa: PLR2004 - three digits


_PREFACE = f"""\
The database itself fills the ledger: nine tenths of its jobs are settled (one in a hundred as an
open dead letter), one tenth is waiting. Then some real jobs run through each step. Wall time, warm.
A cost is flat up to {_FLAT:g} times the small ledger's, and a query also below {_QUICK_MS:g} ms;
a query that counts reads an index entry for each dead letter.
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
    line = (
        f"| whole release with publishing, jobs/s (goal ≥ {RELEASE_LEAST:,}) "
        f"| {small['released_per_second']:,.0f} |"
    )
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
