"""Workers are stopped under load, as in a deployment."""

import os
import signal

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that


def test_stopping_workers_give_back_what_they_have_not_sent(chaos: Chaos, hazard: BeginHazard):
    # Slow enough that a chunk still has calls to start when its first are running.
    slow = chaos.system.switched(latency_seconds=0.8)
    with hazard(13, "worker stopped under load (SIGTERM)") as run, slow:
        for _ in run.rounds:
            since = chaos.system.log_size("worker")
            run.blast()
            await_that("a chunk is running", run.jobs_in, 40)
            run.strike()
            with run.recovery("the blast continues", run.progresses):
                worker = chaos.processes.kill("worker", signal.SIGTERM)
                chaos.processes.find_again(worker, "worker")
            given_back = chaos.system.events("worker", "job_given_back", since=since)
            assert "the worker is stopping" in {event["because"] for event in given_back}
            run.wait_settled()


def test_a_signal_to_the_whole_group_leaves_the_children_to_finish_their_calls(
    chaos: Chaos, hazard: BeginHazard
):
    # As systemd, honcho and supervisord's stopasgroup stop a service.
    slow = chaos.system.switched(latency_seconds=0.8)
    with hazard(13, "worker and children stopped at once (SIGTERM to the group)") as run, slow:
        since = chaos.system.log_size("worker")
        run.blast()
        for _ in range(3):
            await_that("a chunk is running", run.jobs_in, 40)
            run.strike()
            with run.recovery("the blast continues", run.progresses):
                worker = chaos.processes.find("worker")
                os.killpg(worker.pid, signal.SIGTERM)
                chaos.processes.find_again(worker, "worker")
        run.wait_settled()
        entries = chaos.system.log_entries("worker", since=since)
        assert "the worker is stopping" in {entry.get("because") for entry in entries}
        # No call was cut off, and no job is blamed for the stop.
        lost = ("WorkerLost", "claims_taken_over", "open_calls_lost")
        assert not [entry for entry in entries if any(word in str(entry) for word in lost)]
