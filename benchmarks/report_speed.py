"""`python -m benchmarks.report_speed`: time and memory of the report of a large closed campaign.

The database fills a SQLite ledger with one campaign of issued jobs. Its statement is stored as a
closing does; the comparison with the API, which calls decide, is left out. Then the command runs.
docs/evidence/scale.md has the figures.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import insert, update

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.load import write_csv
from benchmarks.machine import describe_machine, load_average
from benchmarks.scale.population import fill
from config.logs import configure_logs
from config.settings import Settings
from issuance.closing.canonical import canonical, digest
from issuance.states import CampaignState, State
from ledger.campaigns import Campaign, find_in
from ledger.closing.readiness import basis_of
from ledger.closing.statement import build_statement
from ledger.closing.verification import Comparison, Mode
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, closings, dead_letters, jobs, lines

_CAMPAIGN = "bench"
_JOBS = 10_000_000
_KILOBYTES_A_MEGABYTE = 1_000


class Cost(NamedTuple):
    """What one report cost."""

    jobs: int
    seconds: float
    megabytes: float
    """The most memory of the process."""
    page_bytes: int


def fill_closed(folder: Path, count: int) -> str:
    """Fill a ledger with one closed campaign; returns the ledger's URL."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    file = folder / "one.csv"
    write_csv(file, 1, first=0)
    with Ledger(url, durable=False) as ledger:
        ledger.migrate()
        accept_in_subprocess(file, url, _CAMPAIGN)
        fill(ledger, count, waiting_share=0.0)
        _close(ledger, count)
    return url


def _close(ledger: Ledger, count: int) -> None:
    with ledger.write() as connection:
        connection.execute(update(dead_letters).values(state="discarded"))
        # The one job of which all others are copies.
        for table in (jobs, lines):
            connection.execute(
                update(table).where(table.c.state == State.WAITING).values(state=State.CANCELLED)
            )
        connection.execute(
            # The attempts began at the first milliseconds of 1970.
            update(campaigns).values(state=CampaignState.CLOSED, started_at=1, finished_at=count)
        )
        campaign = find_in(connection, _CAMPAIGN)
        statement = canonical(
            build_statement(
                connection, campaign, _none(campaign), closed_at=2 * count, closed_by=_BY, note=""
            )
        )
        connection.execute(
            insert(closings).values(
                campaign_id=campaign.id,
                closed_at=2 * count,
                closed_by="bench",
                mode=Mode.NONE,
                note="",
                statement=statement.decode(),
                sha256=digest(statement),
                basis=basis_of(connection, campaign),
            )
        )


_BY = {"subject": "bench", "host": "", "claimed": ""}


def _none(campaign: Campaign) -> Comparison:
    return Comparison(0, campaign, Mode.NONE, "", "", 0, 0, 0, 0, 0, is_finished=True)


def measure(url: str, count: int, folder: Path) -> Cost:
    """Run the command in a process of its own."""
    page = folder / "report.html"
    command = [sys.executable, "-m", "console", "report", _CAMPAIGN, "--out", str(page)]
    settings = {"ISSUANCE_LEDGER_URL": url, "ISSUANCE_HOME": str(folder / "home")}
    began = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | settings) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    seconds = time.perf_counter() - began
    return Cost(count, seconds, used.ru_maxrss / _KILOBYTES_A_MEGABYTE, page.stat().st_size)


def main() -> None:
    """Fill a ledger, and print what its report costs."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.report_speed", description=__doc__.partition(": ")[2]
    )
    parser.add_argument("--jobs", type=int, default=_JOBS, help="default %(default)s")
    given = parser.parse_args()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    with TemporaryDirectory(prefix="issuance-report-") as name:
        url = fill_closed(Path(name), given.jobs)
        before = load_average()
        cost = measure(url, given.jobs, Path(name))
    print(f"{describe_machine()}, load {before:.1f} before it\n")
    print("| lines | seconds | most memory, MB | page, KB |\n| ---: | ---: | ---: | ---: |")
    print(
        f"| {cost.jobs:,} | {cost.seconds:.1f} | {cost.megabytes:.0f} | "
        f"{cost.page_bytes / 1000:.0f} |"
    )


if __name__ == "__main__":
    main()
