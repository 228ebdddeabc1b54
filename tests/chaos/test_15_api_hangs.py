"""The API takes calls and answers none of them."""

import signal
import time

from tests.chaos.chaos_system import API_SECONDS, LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_STOPPED_SECONDS = API_SECONDS + 8
"""Less than the grace of `issuance up`, on a busy machine too."""

_ANSWERS = 10


def test_a_blast_goes_on_when_an_api_that_hung_answers_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(15, "API hangs") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("the blast goes on", run.goes_on):
                simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
                try:
                    time.sleep(60 if chaos.scale.long else LEASE_SECONDS + 2)
                finally:
                    simulator.send_signal(signal.SIGCONT)
        # Or others would have taken over a job whose call was still under way.
        assert run.longest_call() < LEASE_SECONDS


def test_a_worker_stops_within_the_longest_wait_for_an_answer_though_the_api_hangs(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(15, "API hangs while the worker is told to stop") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
            try:
                worker = chaos.processes.kill("worker", signal.SIGTERM)
                worker.wait(_STOPPED_SECONDS)
            finally:
                simulator.send_signal(signal.SIGCONT)
            with run.recovery("the blast goes on", run.goes_on):
                pass


def test_an_api_that_was_killed_is_called_again_and_what_it_had_issued_is_not_issued_anew(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(15, "API killed (SIGKILL) and started again") as run:
        for _ in run.rounds:
            issued = _issued(chaos)
            # until it is started again
            chaos.system.plan_faults({"rates": {"timeout_after_commit": 1.0}})
            run.blast()
            await_that(
                "it has issued what it does not answer",
                lambda at=issued: _issued(chaos) >= at + _ANSWERS,
            )
            run.strike()
            with run.recovery("the blast goes on", run.goes_on):
                simulator = chaos.processes.kill("simulator")
                chaos.processes.find_again(simulator, "simulator")


def _issued(chaos: Chaos) -> int:
    return int(chaos.system.summary()["unitsIssued"])
