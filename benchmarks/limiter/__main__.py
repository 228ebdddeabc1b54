"""`make limiter`: the laboratory's table and plot, into the docs."""

import argparse
import os
import sys
import time

from benchmarks.limiter.laboratory import CONTROLLERS, run_all
from benchmarks.limiter.scenarios import SCENARIOS


def main() -> int:
    """Run it; 1 when a goal is not met."""
    parser = argparse.ArgumentParser(prog="make limiter", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    given = parser.parse_args()
    places = [place for place, each in enumerate(SCENARIOS) if given.only in each.name]
    began = time.perf_counter()
    unmet = 0
    for place in places:
        (result,) = run_all(given.seeds, given.processes, [place])
        print(result.scenario.name, "UNMET: " + "; ".join(result.unmet()) if result.unmet() else "met")
        for name in CONTROLLERS:
            print("   ", f"{name:8}", {k: round(v, 3) for k, v in result.medians[name].items()})
        unmet += bool(result.unmet())
    print(f"{time.perf_counter() - began:.0f} s")
    return unmet > 0


sys.exit(main())
