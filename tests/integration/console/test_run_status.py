"""The exit status of `issuance run`: a process that ended by an error must not look stopped."""

import json
import os
import subprocess
import sys

_FAILING = """
from broker.celery_app import create_app
from celery.bootsteps import StartStopStep
from config.logs import configure_logs
from config.endpoints import Servers
from config.settings import Settings
from console.local.run import _start
import sys

class Failing(StartStopStep):
    def start(self, worker):
        {how}

settings = Settings(_env_file=None, log_format="json")
configure_logs(settings)
app = create_app(settings, Servers("sqlite://", "redis://127.0.0.1:1/0", "", "", 0))
app.steps["worker"].add(Failing)
sys.exit(_start(app, ["worker", "--pool", "solo", "--queues", "issuance.release", *sys.argv[1:]]))
"""


def _run(how: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _FAILING.format(how=how), *options],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_worker_that_celery_ends_after_an_error_has_a_status_other_than_zero():
    done = _run("raise RuntimeError('no such luck')")
    assert done.returncode == 1
    assert "no such luck" in done.stderr


def test_a_worker_that_was_stopped_has_the_status_zero():
    assert _run("raise SystemExit(0)").returncode == 0


def test_an_error_that_celery_lets_pass_is_the_last_entry_of_the_log():
    done = _run("pass", "--no-such-option")
    assert done.returncode == 1
    entry = json.loads(done.stderr.splitlines()[-1])
    assert entry["event"] == "process_failed"
    assert "--no-such-option" in entry["error"]
