"""The benchmark of traces runs, and traced runs cost the worker more."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.traces import RATIOS

_ROOT = Path(__file__).parents[3]


@pytest.mark.rest
@pytest.mark.processes
def test_the_table_compares_each_share_of_traced_rewards_with_none():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.traces", "--rows", "1000", "--rounds", "1"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, _, *rows = done.stdout.splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [name for name, *_ in cells] == list(RATIOS)
    added = {name: int(added.split()[0]) for name, _, added, _ in cells}
    assert added["none"] == 0
    assert added["all"] > 50
