"""The runner of the defence proofs kills a hanging command and its children in time."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.chaos.defences import run_bounded

_START_ANOTHER_AND_HANG = """
import subprocess, sys, time
command = [sys.executable, "-c", "import time; time.sleep(600)"]
sleeper = subprocess.Popen(command, start_new_session=True)
open("begun", "w").write(str(sleeper.pid))
time.sleep(600)
"""


def test_a_hanging_command_is_killed_with_its_children_in_other_sessions(tmp_path: Path):
    command = [sys.executable, "-c", _START_ANOTHER_AND_HANG]
    with pytest.raises(subprocess.TimeoutExpired):
        run_bounded(command, tmp_path, os.environ, tmp_path, longest_seconds=2.0)
    assert not psutil.pid_exists(int((tmp_path / "begun").read_text()))
