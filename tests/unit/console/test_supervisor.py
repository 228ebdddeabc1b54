"""The supervisor of `issuance up`: restarts dead processes and gives up after too many deaths."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.local.log_tail import last_log_line
from console.local.supervisor import CrashLoopError, ProcessSpec, RestartPolicy, Supervisor

QUICK = RestartPolicy(first_seconds=0.0, most_seconds=0.0, deaths=3)
FAILING = ["sh", "-c", "echo begin >> begun; echo 'ISSUANCE_WORKERS: too many'; exit 2"]
LASTING = ["sh", "-c", "echo begin >> begun; exec sleep 60"]


@pytest.fixture
def supervise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    @contextmanager
    def start(*specs: ProcessSpec, policy: RestartPolicy = QUICK) -> Iterator[Supervisor]:
        supervisor = Supervisor(tmp_path / "logs", {"PATH": "/usr/bin:/bin"}, policy)
        try:
            for spec in specs:
                supervisor.start(spec)
            yield supervisor
        finally:
            supervisor.stop()

    return start


def check_until(supervisor, ended):
    until = time.monotonic() + 10
    while not ended():
        assert time.monotonic() < until
        supervisor.check()
        time.sleep(0.005)


def begun(tmp_path):
    path = tmp_path / "begun"
    return path.read_text().count("begin") if path.exists() else 0


def test_an_essential_process_that_keeps_dying_ends_the_system_with_its_last_log_line(
    supervise, tmp_path
):
    with supervise(ProcessSpec("worker", FAILING)) as supervisor:
        with pytest.raises(CrashLoopError) as caught:
            check_until(supervisor, lambda: False)
        assert "worker has died 3 times in a row: ISSUANCE_WORKERS: too many" in str(caught.value)
        assert str(tmp_path / "logs" / "worker.log") in str(caught.value)
    assert begun(tmp_path) == 3


def test_an_optional_process_is_given_up_and_the_others_keep_running(supervise, tmp_path, capfd):
    with supervise(
        ProcessSpec("flower", FAILING, essential=False), ProcessSpec("worker", ["sleep", "60"])
    ) as running:
        check_until(running, lambda: "process_given_up" in capfd.readouterr().out)
        assert running.died() is None
    assert begun(tmp_path) == 3


def test_a_dead_optional_process_is_not_reported_as_dead(supervise):
    with supervise(ProcessSpec("flower", ["true"], essential=False)) as running:
        running._kept[0].process.wait(10)
        assert running.died() is None


def test_a_death_long_after_the_start_resets_the_count(supervise, tmp_path):
    policy = RestartPolicy(first_seconds=0.0, most_seconds=0.0, stable_seconds=0.0, deaths=3)
    with supervise(ProcessSpec("worker", FAILING), policy=policy) as running:
        check_until(running, lambda: begun(tmp_path) > 5)


def test_each_restart_waits_longer(supervise, tmp_path):
    policy = RestartPolicy(first_seconds=0.1, most_seconds=60.0, deaths=4)
    began = time.monotonic()
    with (
        supervise(ProcessSpec("worker", FAILING), policy=policy) as running,
        pytest.raises(CrashLoopError),
    ):
        check_until(running, lambda: False)
    assert begun(tmp_path) == 4
    assert time.monotonic() - began > 0.1 + 0.2 + 0.4


def test_processes_end_with_the_supervisor(supervise, tmp_path):
    with supervise(ProcessSpec("worker", LASTING)) as running:
        check_until(running, lambda: begun(tmp_path) == 1)
        (kept,) = running._kept
    assert kept.process.returncode is not None


def test_an_empty_log_is_reported_as_empty(supervise):
    with supervise(ProcessSpec("beat", ["true"])) as running:
        assert running.last_log_line("beat").startswith("its log is empty (see ")


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(supervise, tmp_path):
    deaf = ["sh", "-c", "trap '' TERM; echo begin >> begun; while :; do sleep 0.05; done"]
    with supervise(ProcessSpec("worker", deaf, grace_seconds=0.3)) as running:
        check_until(running, lambda: begun(tmp_path) == 1)
        began = time.monotonic()
        running.stop()
        assert 0.3 <= time.monotonic() - began < 5


def test_the_last_word_is_the_error_and_not_the_middle_of_a_traceback(tmp_path):
    log = tmp_path / "worker.log"
    trace = "Traceback (most recent call last):\n" + "  File x\n" * 900 + "ReadOnlyError: a replica"
    error = {"event": "Unrecoverable error", "level": "critical", "exception": trace}
    ending = {"event": "stopping", "level": "info"}
    log.write_text(
        f"{json.dumps(error)}\n{json.dumps(ending)}\nworker: Warm shutdown (MainProcess)\n"
    )
    assert last_log_line(log) == f"Unrecoverable error: ReadOnlyError: a replica (see {log})"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "its log is empty"), ("Traceback:\n  File x\nValueError: no\n\n", "ValueError: no")],
)
def test_the_last_word_of_a_log_without_entries(tmp_path, text, said):
    log = tmp_path / "worker.log"
    log.write_text(text)
    assert last_log_line(log) == f"{said} (see {log})"


def test_a_process_whose_server_is_away_is_restarted_without_limit(supervise, tmp_path):
    away = ["sh", "-c", "echo begin >> begun; exit 69"]
    with supervise(ProcessSpec("worker", away)) as supervisor:
        check_until(supervisor, lambda: begun(tmp_path) > QUICK.deaths + 2)


def test_a_log_that_has_grown_is_rotated(supervise, tmp_path):
    with supervise(ProcessSpec("worker", ["sh", "-c", "seq 100; exec sleep 60"])) as supervisor:
        supervisor.log_bytes = 100
        old = tmp_path / "logs" / "worker.log.1"

        def rotated():
            supervisor._rotate_at = 0.0
            return old.exists()

        check_until(supervisor, rotated)
        assert old.read_text().startswith("1\n2\n")


def test_a_restart_is_reported_with_its_cause(supervise, tmp_path):
    with supervise(ProcessSpec("worker", LASTING)) as supervisor:
        restarts = []
        supervisor.on_restart = restarts.append
        os.kill(supervisor._kept[0].process.pid, signal.SIGKILL)
        check_until(supervisor, lambda: restarts)
    (restart,) = restarts
    assert (restart.process, restart.cause) == ("worker", "killed by SIGKILL")
    assert restart.ended_at <= restart.at <= time.time()
