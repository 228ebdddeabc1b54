"""`make defences`: prove that each hazard's test fails without its defence.

Each test runs on a copy of the tree with its defence switched off. Prints a Markdown table.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.chaos.defence import Defence, StaleEditError
from tests.chaos.defence_list import DEFENCES
from tests.chaos.report import fold

TREE = Path(__file__).parents[2]
_FOLDERS = (
    "broker",
    "config",
    "console",
    "files",
    "issuance",
    "ledger",
    "limiter",
    "operations",
    "producers",
    "rewards_api",
    "samples",
    "simulator",
    "tests",
    "worker",
)
_LONGEST_SECONDS = 300.0
_END_SECONDS = 40.0
_HEAD = "| # | Test | Defence switched off | Result | Seconds |\n| ---: | --- | --- | --- | ---: |"
_ERROR = re.compile(r"[\w.]+: ")
_NOT_BEGUN = "**did not begin"
_INTRODUCTION = (
    "Written by `{command}` on {date}. Each row is one test of `tests/chaos`, run on a copy of "
    "the tree in which an edit (`tests/chaos/defence_list.py`) switches the named defence off. "
    "The test must fail for the reason shown; a row in bold did not. {total} The results with all "
    "defences in place are in [chaos.md](chaos.md)."
)


def copy_tree(to: Path) -> None:
    """Copy what the tests need, without compiled modules."""
    for name in _FOLDERS:
        shutil.copytree(TREE / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TREE / "pyproject.toml", to)


def prove(defence: Defence, longest_seconds: float = _LONGEST_SECONDS) -> tuple[bool, str]:
    """Run the test without its defence; returns whether it failed, and its row of the table.

    Leaves no process behind. A test that could not begin is tried once more; each try takes little
    more than `longest_seconds`.
    """
    started = time.monotonic()
    with TemporaryDirectory(prefix="defences-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        copy_tree(tree)
        try:
            for edit in defence.edits:
                edit.apply_to(tree)
            failed, came = _run(tree, defence, longest_seconds)
            # The machine may be too busy to start everything in time.
            if came.startswith(_NOT_BEGUN):
                failed, came = _run(tree, defence, longest_seconds)
        except StaleEditError as error:
            failed, came = False, f"**not tried: {error}**"
    took = time.monotonic() - started
    return failed, _row(defence, came, took)


def _row(defence: Defence, came: str, seconds: float) -> str:
    cells = (str(defence.number), f"`{defence.test}`", defence.without, came, f"{seconds:.0f}")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _run(tree: Path, defence: Defence, longest_seconds: float) -> tuple[bool, str]:
    own = tree / "tmp"
    own.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n",
        "0",
        "tests/chaos",
        "-k",
        defence.test,
    ]
    environment = os.environ | {
        # The copy's modules take precedence over the installed tree.
        "PYTHONPATH": str(tree),
        "ISSUANCE_TEST_CHAOS_LONG": "1" if defence.long else "",
        "ISSUANCE_TEST_CHAOS_PAIRS": defence.pair,
    }
    try:
        return judge(*run_bounded(command, tree, environment, own, longest_seconds))
    except subprocess.TimeoutExpired:
        return False, f"**no end within {longest_seconds:g} s**"


def run_bounded(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    own: Path,
    longest_seconds: float,
) -> tuple[int, str]:
    """Run a command, then kill all processes it started; returns its status and output.

    Args:
        command: what to run.
        folder: where.
        environment: without TMPDIR, which is set to `own` to identify its processes.
        own: a folder for its temporary files.
        longest_seconds: the time limit.

    Raises:
        TimeoutExpired: it took longer and was killed.
    """
    environment = {**environment, "TMPDIR": str(own)}
    try:
        with (own / "output").open("w+", encoding="utf-8") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            status = _await_end(process, longest_seconds)
            output.seek(0)
            return status, output.read()
    finally:
        _end_leftovers(own)


def _await_end(process: "subprocess.Popen[bytes]", longest_seconds: float) -> int:
    """Wait for pytest's status; after the time limit interrupt it, then kill it."""
    try:
        return process.wait(longest_seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        raise
    finally:
        process.kill()
        process.wait()


def _end_leftovers(own: Path) -> None:
    """Kill the processes that the test left, found by their TMPDIR."""
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(own):
                process.kill()
                left.append(process)
    psutil.wait_procs(left, _END_SECONDS)


def judge(status: int, output: str) -> tuple[bool, str]:
    """Decide from pytest's output whether the test failed; returns that and the reason.

    Args:
        status: of pytest.
        output: of pytest.
    """
    errors = [line[1:].strip() for line in output.splitlines() if line.startswith("E  ")]
    # An error in a fixture or at import is also status 1: only a failed test counts.
    if status == 1 and errors:
        why = _why(errors)
        return (
            (True, f"failed: {why}") if "\nFAILED " in output else (False, f"{_NOT_BEGUN}: {why}**")
        )
    last = output.strip().rpartition("\n")[2].strip("= ")
    return False, f"**did not fail: {last} (status {status})**"


def _why(errors: Sequence[str]) -> str:
    """The first line of the error; the last one of a command's traceback."""
    ends = (line for line in reversed(errors) if _ERROR.match(line))
    return next(ends, errors[0]) if errors[0].endswith("(most recent call last):") else errors[0]


def write_table(rows: Sequence[str], failed: int, command: str) -> str:
    """The whole report as Markdown."""
    total = f"{failed} of {len(rows)} failed as they should."
    introduction = _INTRODUCTION.format(
        command=command, date=f"{datetime.now(UTC):%Y-%m-%d}", total=total
    )
    return "\n".join(
        [
            "# Each hazard's test fails without its defence\n",
            fold(introduction),
            "",
            _HEAD,
            *rows,
            "",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.defences", description=__doc__)
    parser.add_argument(
        "-k", dest="only", default="", help="only defences whose number and test name contain this"
    )
    parser.add_argument(
        "--at-once", type=int, default=1, help="how many run concurrently (default %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=_LONGEST_SECONDS,
        help="time limit of each (default %(default)g)",
    )
    parser.add_argument("--table", type=Path, help="write the table to this Markdown file too")
    return parser.parse_args()


def main() -> int:
    """Run them; the exit status is 1 if a test did not fail."""
    given = _arguments()
    chosen = [one for one in DEFENCES if given.only in f"{one.number:02} {one.test}"]
    print(_HEAD, flush=True)
    rows, missing = [], []
    with ThreadPoolExecutor(given.at_once) as some:
        for defence, (failed, row) in zip(
            chosen, some.map(lambda defence: prove(defence, given.seconds), chosen), strict=True
        ):
            print(row, flush=True)
            rows.append(row)
            if not failed:
                missing.append(defence)
    if given.table:
        command = " ".join(["python -m tests.chaos.defences", *sys.argv[1:]])
        given.table.write_text(
            write_table(rows, len(rows) - len(missing), command), encoding="utf-8"
        )
    for defence in missing:
        print(
            f"did not fail: {defence.number} {defence.test} ({defence.without})",
            file=sys.stderr,
        )
    return 1 if missing or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
