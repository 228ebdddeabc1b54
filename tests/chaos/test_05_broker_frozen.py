"""The broker answers nobody for a while, and its connections stay."""

import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0


def test_a_blast_goes_on_when_a_frozen_broker_answers_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(5, "broker frozen (SIGSTOP)") as run:
        for _ in run.rounds:
            for seconds in (6, 15) if chaos.scale.long else (6,):
                run.blast_under_way()
                run.strike()
                with run.recovery("the blast goes on", run.goes_on), chaos.broker.frozen():
                    time.sleep(seconds)
        assert max(run.record.recovered) < _RECOVERED_SECONDS
