"""The goals, and whether this run met them; speeds are compared within one run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contenders import BARE, CONTENDERS
from benchmarks.results import Results

LEDGERS = ("SQLite", "PostgreSQL")
STEPS = ("release", "claim", "classify", "record")
OURS = "this system, "
_MAIN = "race/50/bulk/"
_CELERY = "Celery, "
_LEAST_ROWS = {"SQLite": 50_000, "PostgreSQL": 30_000}
_MOST_RSS_MB = 150
_NO_SLOWER = 0.95
"""A repeated file counts as no slower from this ratio: runs of one file vary as much."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: its subject, the target, the measured value."""

    what: str
    wanted: str
    measured: str
    is_met: bool


def goals(results: Results) -> Iterator[Goal]:
    """Every goal that this run has measurements for."""
    yield from _races(results)
    yield from _cores(results)
    yield from _costs(results)
    yield from _acceptance(results)


def relative_speed(results: Results, kind: str, name: str) -> dict[str, list[float]]:
    """Contender → its speed relative to the named one, in each round that has both."""
    rows = results.of(kind)
    of_it = {row["repeat"]: row["per_second"] for row in rows if row["contender"] == name}
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["repeat"] in of_it:
            found[row["contender"]].append(row["per_second"] / of_it[row["repeat"]])
    return {one.name: found[one.name] for one in CONTENDERS if one.name in found}


def _races(results: Results) -> Iterator[Goal]:
    bare = {
        name: median(values) for name, values in relative_speed(results, _MAIN, BARE.name).items()
    }
    peers = {
        name: value
        for name, value in bare.items()
        if name != BARE.name and not name.startswith(OURS)
    }
    celery = {name: value for name, value in peers.items() if name.startswith(_CELERY)}
    for ledger in LEDGERS:
        ours = OURS + ledger
        if ours not in bare:
            continue
        yield _ratio(
            f"{ours}, compared with the bare script",
            0.9,
            relative_speed(results, _MAIN, BARE.name)[ours],
        )
        for words, rivals, least in (
            ("the best peer", peers, 1.3),
            ("the best stock Celery", celery, 4.0),
        ):
            if rivals:
                best = max(rivals, key=rivals.__getitem__)
                yield _ratio(
                    f"{ours}, compared with {words} ({best})",
                    least,
                    relative_speed(results, _MAIN, best)[ours],
                )


def _ratio(what: str, least: float, measured: list[float]) -> Goal:
    middle = median(measured)
    shown = f"{middle:.2f} ({min(measured):.2f} to {max(measured):.2f})"
    return Goal(what, f"≥ {least:g}", shown, middle >= least)


def _cores(results: Results) -> Iterator[Goal]:
    one = {row["repeat"]: row["per_second"] for row in results.of("cores/1/")}
    two = {row["repeat"]: row["per_second"] for row in results.of("cores/2/")}
    ratios = [two[repeat] / one[repeat] for repeat in one.keys() & two.keys()]
    if ratios:
        yield _ratio(f"{OURS}PostgreSQL, two cores compared with one", 1.8, ratios)


def _costs(results: Results) -> Iterator[Goal]:
    for ledger in LEDGERS:
        rows = [row["few"]["cpu"] for row in results.of(f"costs/{ledger}/")]
        if rows:
            middle = median(sum(cpu[step] for step in STEPS) for cpu in rows)
            what = f"CPU beyond HTTP: release, claim, classify, record ({ledger})"
            yield Goal(what, "≤ 100 µs a job", f"{middle:.0f} µs", middle <= 100)  # noqa: PLR2004  # the goal


def _acceptance(results: Results) -> Iterator[Goal]:
    for ledger, least in _LEAST_ROWS.items():
        new, again = (results.of(f"accept/{ledger}/{run}/") for run in ("new", "again"))
        if not (new and again):
            continue
        speed = _middle(new, "rows_per_second")
        yield Goal(
            f"acceptance into {ledger}", f"≥ {least:,} rows/s", f"{speed:,.0f}", speed >= least
        )
        ratio = _middle(again, "rows_per_second") / speed
        yield Goal(
            f"the same file again, {ledger}",
            "≥ 0.95 of its speed",
            f"{ratio:.2f} of it",
            ratio >= _NO_SLOWER,
        )
        most = max(row["rss_mb"] for row in [*new, *again])
        yield Goal(
            f"memory of acceptance, {ledger}",
            f"≤ {_MOST_RSS_MB} MB",
            f"{most:.0f} MB",
            most <= _MOST_RSS_MB,
        )


def _middle(rows: Iterable[dict[str, Any]], name: str) -> float:
    return median(float(row[name]) for row in rows)
