"""The broker answers nobody for a while, and its connections stay."""

import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RECOVERED_SECONDS = 10.0
_GIVEN_BACK_SECONDS = 20.0
"""Longer than any wait for Redis, which takes up to 11 s where it has to connect first, also on a busy machine."""


def test_a_blast_goes_on_when_a_frozen_broker_answers_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(5, "broker frozen (SIGSTOP)") as run:
        for _ in run.rounds:
            for seconds in (6, 15) if chaos.scale.long else (6,):
                run.blast_under_way()
                run.strike()
                with run.recovery("the blast goes on", run.goes_on), chaos.broker.frozen():
                    frozen = time.monotonic()
                    # Who cannot ask for a call's slot does not keep its jobs until it can.
                    await_that(
                        "nothing is in hand any more",
                        lambda: not run.standing(),
                        _GIVEN_BACK_SECONDS,
                    )
                    time.sleep(max(0.0, frozen + seconds - time.monotonic()))
        assert max(run.record.recovered) < _RECOVERED_SECONDS
