"""`make chaos`: run every hazard in many rounds on each ledger and broker, and print results."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.record import Record
from tests.chaos.report import write_report
from tests.chaos.scale import Scale

_PAIRS = "sqlite+valkey,postgresql+valkey"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of each hazard (default %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, default=600, help="jobs of each round's blasts (default %(default)s)"
    )
    parser.add_argument(
        "--pairs", default=_PAIRS, help="ledger+broker, with commas (default %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="leave out faults that take minutes")
    parser.add_argument("--table", type=Path, help="write the report to this Markdown file too")
    parser.add_argument(
        "-k", dest="only", default="", help="only hazards whose test names contain this"
    )
    return parser.parse_args()


def main() -> int:
    """Run it; returns pytest's exit status."""
    given = _arguments()
    pairs = tuple(given.pairs.split(","))
    scale = Scale(
        rounds=given.rounds, jobs=given.jobs, concurrent=40, long=not given.quick, pairs=pairs
    )
    with TemporaryDirectory() as folder:
        records = Path(folder) / "records.jsonl"
        environment = (
            os.environ | scale.environment() | {"ISSUANCE_TEST_CHAOS_RECORDS": str(records)}
        )
        command = [
            sys.executable,
            "-m",
            "pytest",
            "tests/chaos",
            "-v",
            "--no-header",
            "-k",
            given.only,
        ]
        status = subprocess.run(command, env=environment, check=False).returncode
        text = write_report(
            Record.read_all(records) if records.exists() else [],
            " ".join(["python -m tests.chaos", *sys.argv[1:]]),
        )
    print(text)
    if given.table:
        given.table.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
