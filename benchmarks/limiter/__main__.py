"""`make limiter`: writes the laboratory's table and plot into the docs."""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks.limiter.fleet import PLACES
from benchmarks.limiter.laboratory import run_all
from benchmarks.limiter.report import write_page
from benchmarks.limiter.scenarios import PER_SECOND, SCENARIOS

_DOCS = Path(__file__).parents[2] / "docs" / "evidence"


def main() -> int:
    """Run the scenarios; returns 1 when a goal is not met."""
    parser = argparse.ArgumentParser(prog="make limiter", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=20, help="runs of each scenario and controller"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="concurrency")
    parser.add_argument(
        "--only",
        default="",
        help="only scenarios whose name contains this; does not write the docs",
    )
    given = parser.parse_args()
    places = [place for place, each in enumerate(SCENARIOS) if given.only in each.name]
    began = time.perf_counter()
    results = run_all(given.seeds, given.processes, places)
    seconds = time.perf_counter() - began
    page = write_page(
        results, seeds=given.seeds, seconds=seconds, per_second=PER_SECOND, places=PLACES
    )
    print(page[page.index("| scenario") :])
    unmet = [f"{result.scenario.name}: {goal}" for result in results for goal in result.unmet()]
    print(
        "\n".join(f"not met: {each}" for each in unmet) or "every goal is met", f"({seconds:.0f} s)"
    )
    if not given.only:
        _write_docs(page)
    return bool(unmet)


def _write_docs(page: str) -> None:
    from benchmarks.limiter.plot import draw  # noqa: PLC0415  # matplotlib, which --only does without

    (_DOCS / "limiter.md").write_text(page, encoding="utf-8")
    draw(_DOCS / "limiter.png")


sys.exit(main())
