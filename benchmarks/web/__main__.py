"""`make web-speed`: times the console's pages in a large ledger, and what open pages cost a blast.

The ledger is made when it is missing, which takes ten minutes for ten million lines.
"""

import argparse
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from sqlalchemy import func, select

from benchmarks.cores import OTHER_CORES, cpu_seconds, rss_bytes
from benchmarks.machine import commit, describe_machine, load_average
from benchmarks.web.ledger import fill
from benchmarks.web.open_pages import OpenPages
from benchmarks.web.pages import (
    JOB,
    Measured,
    browser,
    measure_pages,
    wanted_pages,
    with_live_parts,
)
from benchmarks.web.report import Pair, Window, write_page
from benchmarks.web.system import System, run_system
from config.logs import configure_logs
from config.settings import Settings
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, lines

_SETTLE_SECONDS = 3.0
_SPARE_SECONDS = 90
"""The blast has rows for this long in addition to the measurements."""


def main() -> None:
    """Measure, print the tables, and write the page if a whole ledger was measured."""
    options = _read_options()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    if not options.ledger.exists():
        print(f"Filling {options.ledger} with {options.lines:,} lines …", file=sys.stderr)
        options.ledger.parent.mkdir(parents=True, exist_ok=True)
        fill(f"sqlite:///{options.ledger.absolute()}", options.lines)
    load = load_average()
    os.sched_setaffinity(0, OTHER_CORES)
    seconds = options.rounds * 2 + options.pairs * 2 * (options.seconds + _SETTLE_SECONDS)
    rows = int((seconds + _SPARE_SECONDS) * options.rate / 60)
    with (
        TemporaryDirectory(prefix="issuance-bench-") as folder,
        run_system(options.ledger, Path(folder), rate=options.rate, rows=rows) as system,
    ):
        rss = [rss_bytes(system.web)]
        pages = _measure_pages(system, options)
        rss.append(rss_bytes(system.web))
        pairs = [_measure_pair(system, options, number) for number in range(options.pairs)]
        rss.append(rss_bytes(system.web))
    write_page(
        options.out,
        pages,
        pairs,
        lines=_count_lines(options.ledger),
        rate=options.rate,
        rss_mb=[each / 2**20 for each in rss],
        about=f"{describe_machine()}; commit {commit()}, {time.strftime('%Y-%m-%d')}; "
        f"load {load:.1f} before it, {load_average():.1f} after it",
    )


def _measure_pages(system: System, options: argparse.Namespace) -> list[Measured]:
    with Ledger(f"sqlite:///{options.ledger.absolute()}") as ledger, ledger.read() as connection:
        found = connection.scalar(select(lines.c.request_id).where(lines.c.job_number == JOB))
    with closing(browser(system)) as client:
        wanted = list(with_live_parts(client, wanted_pages(system, found or "")))
        return measure_pages(system, client, wanted, options.rounds)


def _measure_pair(system: System, options: argparse.Namespace, number: int) -> Pair:
    """Count the blast's calls with and without open pages; the order changes from pair to pair."""
    paths = ["/", f"/campaigns/{system.blast}", "/dead-letters", "/system"]
    windows: dict[bool, Window] = {}
    for is_open in (False, True) if number % 2 else (True, False):
        pages = OpenPages(system, [paths[place % len(paths)] for place in range(options.open)])
        if is_open:
            with pages.opened():
                windows[True] = _count_calls(system, options.seconds, pages)
        else:
            windows[False] = _count_calls(system, options.seconds, pages)
    return Pair(without=windows[False], opened=windows[True])


def _count_calls(system: System, seconds: float, pages: OpenPages) -> Window:
    time.sleep(_SETTLE_SECONDS)
    began, calls, cpu = time.monotonic(), system.stub.stats()["answered"], cpu_seconds(system.web)
    refreshed = pages.refreshed
    time.sleep(seconds)
    took = time.monotonic() - began
    answered = system.stub.stats()["answered"] - calls
    if not answered:
        raise RuntimeError("The blast is over: it needs more rows")
    return Window(
        answered / took,
        (cpu_seconds(system.web) - cpu) / took,
        (pages.refreshed - refreshed) / took,
        psutil.cpu_percent(),
    )


def _count_lines(file: Path) -> int:
    with Ledger(f"sqlite:///{file.absolute()}") as ledger, ledger.read() as connection:
        return int(connection.scalar(select(func.sum(campaigns.c.accepted_lines))) or 0)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make web-speed", description=__doc__)
    parser.add_argument("--ledger", type=Path, default=Path(".bench/web/ledger.db"))
    parser.add_argument("--lines", type=int, default=10_000_000, help="of a ledger that is made")
    parser.add_argument("--rounds", type=int, default=100, help="requests of each page")
    parser.add_argument("--rate", type=int, default=60_000, help="the blast's calls a minute")
    parser.add_argument("--open", type=int, default=50, help="pages that are open")
    parser.add_argument("--pairs", type=int, default=4, help="with and without open pages")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each half of a pair")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/web-console.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
