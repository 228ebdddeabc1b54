"""Workers told to stop again and again under load, as a deployment does."""

import signal

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos


def test_workers_told_to_stop_give_back_what_they_have_not_sent(chaos: Chaos, hazard: BeginHazard):
    with hazard(13, "worker told to stop under load (SIGTERM)") as run:
        for _ in run.rounds:
            since = chaos.system.log_size("worker")
            run.blast_under_way()
            run.strike()
            with run.recovery("the blast goes on", run.goes_on):
                worker = chaos.processes.kill("worker", signal.SIGTERM)
                chaos.processes.find_again(worker, "worker")
            given_back = chaos.system.events("worker", "given back", since=since)
            assert "the worker is stopping" in {event["because"] for event in given_back}
