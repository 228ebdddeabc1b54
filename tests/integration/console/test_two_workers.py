"""Two workers on one host: both count, and the death of one is noticed."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.e2e.processes import await_that
from tests.valkey import valkey_server

_SECONDS = 60


@pytest.fixture
def start(home, monkeypatch, tmp_path):
    """Start workers, each in a group of its own."""
    started = []
    with valkey_server(tmp_path) as server:
        monkeypatch.setenv("ISSUANCE_BROKER_URL", f"redis://127.0.0.1:{server.port}/0")
        monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")

        def start():
            command = [sys.executable, "-m", "console", "run", "worker", "--workers", "1"]
            with (tmp_path / "workers.log").open("ab") as log:
                started.append(
                    subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                )
            return started[-1]

        yield start
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _problems(run, *options):
    found = json.loads(run("health", "--json", "--only", "worker", *options).stdout)
    return [problem["cause"] for problem in found["problems"]]


def test_status_counts_both_and_health_misses_one_that_was_killed(run, start):
    start()
    second = start()
    await_that(
        "both answer",
        lambda: "2 worker processes answer" in run("status").stdout,
        _SECONDS,
    )
    assert _problems(run, "--here") == []
    os.killpg(second.pid, signal.SIGKILL)
    second.wait(10)
    (problem,) = _problems(run, "--here")
    assert problem.startswith("worker")
    assert problem.endswith("hangs, or ended without being stopped")
    third = start()
    await_that("it is replaced", lambda: _problems(run) == [], _SECONDS)
    third.terminate()
    assert third.wait(_SECONDS) == 0
    assert _problems(run) == []  # it was stopped
