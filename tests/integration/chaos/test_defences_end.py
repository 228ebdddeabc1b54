"""The runner of the defences' proofs: what hangs is ended in time, with all that it has started."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.chaos.defences import run_bounded

_START_ANOTHER_AND_HANG = """
import subprocess, sys, time
sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("begun", "w").write(str(sleeper.pid))
time.sleep(600)
"""


def test_what_hangs_is_ended_with_what_it_has_started_in_a_session_of_its_own(tmp_path: Path):
    command = [sys.executable, "-c", _START_ANOTHER_AND_HANG]
    with pytest.raises(subprocess.TimeoutExpired):
        run_bounded(command, tmp_path, os.environ, tmp_path, longest_seconds=2.0)
    assert not psutil.pid_exists(int((tmp_path / "begun").read_text()))
