"""`python -m benchmarks.forecast`: compares forecasts with runs, and writes the docs' page."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.forecast.report import judge, write_page
from benchmarks.forecast.run import run
from benchmarks.limiter.laboratory import silence

_PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "forecast.md"
_FIRST, _RUNS = 200, 200
"""The runs before the first one were used to fit `issuance.forecast.calibration`."""


def main() -> int:
    """Run the situations; returns 1 when a goal is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--first", type=int, default=_FIRST, help="seed of the first run")
    parser.add_argument("--runs", type=int, default=_RUNS)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="concurrency")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.runs)
    with ProcessPoolExecutor(given.processes, initializer=silence) as pool:
        checks = [check for checks in pool.map(run, seeds, chunksize=2) for check in checks]
    page = write_page(checks, first=given.first, runs=given.runs)
    print(page)
    if (given.first, given.runs) == (_FIRST, _RUNS):
        _PAGE.write_text(page, encoding="utf-8")
    unmet = judge(checks)
    print("\n".join(unmet) or "every goal is met")
    return bool(unmet)


if __name__ == "__main__":
    sys.exit(main())
