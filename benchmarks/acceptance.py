"""Acceptance: rows per second of a blast into each ledger, first and repeated, and its memory.

`python -m benchmarks.acceptance FILE LEDGER_URL CAMPAIGN` accepts one file and prints the figures
as JSON.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.cores import WORKER_CORES, python, run_to_end
from config.logs import configure_logs
from config.settings import Settings
from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from producers.blast import blast
from producers.freezing import Freezer
from producers.source import ErrorsFile, ReadOptions, Source


@dataclass(frozen=True, slots=True)
class Intake:
    """The figures of one accepted file."""

    rows: int
    accepted: int
    rows_per_second: float
    cpu_us: float
    """The producer's CPU per row."""
    rss_mb: float
    """The largest value."""


def accept_in_subprocess(file: Path, ledger_url: str, campaign: str) -> Intake:
    """Accept a file in a separate process, on the worker's core."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    command = python("benchmarks.acceptance", str(file), ledger_url, campaign)
    return Intake(
        **json.loads(run_to_end(command, cores=WORKER_CORES, environment=clean).splitlines()[-1])
    )


def _accept(file: Path, ledger_url: str, campaign: str) -> Intake:
    with Ledger(ledger_url) as ledger, ErrorsFile(file.with_suffix(".errors.csv")) as errors:
        ledger.migrate()
        settings = Settings(_env_file=None)
        configure_logs(settings)
        freezer = Freezer.of_settings(settings)
        source = Source(file, ReadOptions())
        into = ensure_campaign(ledger, campaign)
        began, cpu = time.monotonic(), time.process_time()
        report = blast(ledger, into, source, freezer, errors, on_batch=lambda _: None)
        took, used = time.monotonic() - began, time.process_time() - cpu
    return Intake(
        report.rows, report.accepted, report.rows / took, used / report.rows * 1e6, _most_rss_mb()
    )


def _most_rss_mb() -> float:
    """The peak memory of this process; `getrusage` would include the parent's, before the fork."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(asdict(_accept(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))))
