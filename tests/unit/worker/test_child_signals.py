"""A worker's child obeys the termination signals of its worker only."""

import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.unit.worker.process import wait_for
from worker.child_signals import obey_only_parent


@pytest.fixture
def child():
    """A forked child that echoes each byte it reads."""
    to_read, to_write = os.pipe()
    answers, answer = os.pipe()
    process_id = os.fork()
    if process_id == 0:
        os.close(to_write)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)  # another test may have left a handler
        obey_only_parent()
        while byte := os.read(to_read, 1):
            os.write(answer, byte)
        os._exit(7)
    os.close(to_read)
    os.close(answer)
    watchdog = threading.Timer(20, os.kill, (process_id, signal.SIGKILL))
    watchdog.start()
    os.write(to_write, b"!")
    os.read(answers, 1)  # its guard works now
    yield process_id, to_write, answers
    watchdog.cancel()
    os.close(to_write)
    os.close(answers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_child_survives_the_signal_of_a_supervisor(child, number):
    process_id, to_write, answers = child
    subprocess.run(["kill", f"-{number.value}", str(process_id)], check=True)
    os.write(to_write, b"?")
    assert os.read(answers, 1) == b"?"
    os.kill(process_id, signal.SIGKILL)
    os.waitpid(process_id, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_child_ends_by_the_signal_of_its_worker(child, number):
    process_id, _, _ = child
    subprocess.run(["kill", "-TERM", str(process_id)], check=True)
    # Two signals of one kind that wait at the same time are one.
    wait_for(lambda: not _pending(process_id), 15)
    os.kill(process_id, number)
    _, status = os.waitpid(process_id, 0)
    assert os.waitstatus_to_exitcode(status) == -number


def _pending(process_id: int) -> int:
    """Return the set of signals that wait for a process, as the kernel shows it."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (found,) = re.findall(r"^ShdPnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found, 16)
