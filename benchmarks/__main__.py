"""`make bench`: runs all benchmarks and writes the report; an interrupted run can be resumed."""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import Place
from benchmarks.cores import OTHER_CORES, WORKER_CORES
from benchmarks.machine import commit, describe_machine, describe_versions, load_average
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.plot import draw
from benchmarks.report import PLOT, render
from benchmarks.results import Results
from benchmarks.servers import broker, postgres, stub_api
from config.logs import configure_logs
from config.settings import Settings


def main() -> None:
    """Measure, then write the report."""
    options = _read_options()
    if len({*WORKER_CORES, *OTHER_CORES}) < 2:  # noqa: PLR2004
        sys.exit(
            "At least two cores are needed: one for the worker, one for the stub API, the broker "
            "and the database"
        )
    sizes = QUICK if options.quick else FULL
    if options.rows:
        sizes = replace(sizes, rows=options.rows)
    if options.scale:
        sizes = replace(sizes, scale=(sizes.scale[0], options.scale))
    if options.repeats:
        sizes = replace(sizes, repeats=options.repeats)
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    results = Results(options.results, f"{commit()} {sizes}")
    results.add("load/start", load=load_average())
    os.sched_setaffinity(0, OTHER_CORES)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="issuance-bench-")))
        stub = stack.enter_context(stub_api(folder))
        server = stack.enter_context(broker(folder))
        place = Place(folder, stub, stack.enter_context(postgres(folder)))
        Plan(sizes, results, place, server, options.only).run()
    _write(results, options.out)
    if not options.only:
        results.archive()


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, about a minute, only to see that it works"
    )
    parser.add_argument(
        "--only", default="", metavar="PART", help="run only keys that contain this: accept/SQLite"
    )
    parser.add_argument(
        "--rows", type=int, default=0, help="rows of the accepted file (1000000 takes longer)"
    )
    parser.add_argument(
        "--scale",
        type=int,
        default=0,
        metavar="JOBS",
        help="jobs in the large ledger (10000000 takes 20 min)",
    )
    parser.add_argument("--repeats", type=int, default=0, help="repeats of every measurement")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("docs/evidence"),
        help="folder of benchmarks.md and its plot",
    )
    parser.add_argument(
        "--results", type=Path, default=Path(".bench/results.jsonl"), help="file that keeps results"
    )
    return parser.parse_args()


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = render(
        results,
        command=f"make bench{' BENCH=' + repr(' '.join(sys.argv[1:])) if sys.argv[1:] else ''}",
        machine=describe_machine(),
        versions=describe_versions(),
        date=time.strftime("%Y-%m-%d"),
        commit=commit(),
    )
    (folder / "benchmarks.md").write_text(page, encoding="utf-8")
    if results.of("race/"):
        draw(results, folder / PLOT)
    print(f"written: {folder / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
