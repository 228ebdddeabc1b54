"""The API accepts calls and does not answer them."""

import signal
import time

from tests.chaos.chaos_system import API_SECONDS, LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_STOPPED_SECONDS = API_SECONDS + 8
"""Less than the grace period of `issuance up`, also on a busy machine."""

_ANSWERS = 10


def test_a_blast_continues_when_an_api_that_hung_answers_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(15, "API hangs") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("the blast continues", run.progresses):
                simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
                try:
                    time.sleep(60 if chaos.scale.long else LEASE_SECONDS + 2)
                finally:
                    simulator.send_signal(signal.SIGCONT)
        # Otherwise another worker could have claimed a job during its call.
        assert run.longest_call() < LEASE_SECONDS


def test_a_worker_stops_within_the_call_timeout_while_the_api_hangs(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(15, "API hangs while the worker stops") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
            try:
                worker = chaos.processes.kill("worker", signal.SIGTERM)
                worker.wait(_STOPPED_SECONDS)
            finally:
                simulator.send_signal(signal.SIGCONT)
            with run.recovery("the blast continues", run.progresses):
                pass


def test_what_a_killed_api_had_issued_is_not_issued_twice(chaos: Chaos, hazard: BeginHazard):
    with hazard(15, "API killed (SIGKILL) and started again") as run:
        for _ in run.rounds:
            issued = _issued(chaos)
            # lasts until its restart
            chaos.system.plan_faults({"rates": {"timeout_after_commit": 1.0}})
            run.blast()
            await_that(
                "it has issued rewards without a reply",
                lambda at=issued: _issued(chaos) >= at + _ANSWERS,
            )
            run.strike()
            with run.recovery("the blast continues", run.progresses):
                simulator = chaos.processes.kill("simulator")
                chaos.processes.find_again(simulator, "simulator")


def _issued(chaos: Chaos) -> int:
    return int(chaos.system.summary()["unitsIssued"])
