"""Workers told to stop again and again under load, as a deployment does."""

import signal

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that


def test_workers_told_to_stop_give_back_what_they_have_not_sent(chaos: Chaos, hazard: BeginHazard):
    # So slow that calls of a chunk are still to come when its first are under way.
    slow = chaos.system.switched(latency_seconds=0.8)
    with hazard(13, "worker told to stop under load (SIGTERM)") as run, slow:
        for _ in run.rounds:
            since = chaos.system.log_size("worker")
            run.blast()
            await_that("a chunk is in hand", run.standing, 40)
            run.strike()
            with run.recovery("the blast goes on", run.goes_on):
                worker = chaos.processes.kill("worker", signal.SIGTERM)
                chaos.processes.find_again(worker, "worker")
            given_back = chaos.system.events("worker", "given back", since=since)
            assert "the worker is stopping" in {event["because"] for event in given_back}
            run.wait_settled()
