"""The broker is stopped, or killed, and comes back, while all of the workers' slots are busy."""

import signal
import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0
_AWAY_SECONDS = 1.5


def test_a_blast_goes_on_within_ten_seconds_of_the_brokers_return(chaos: Chaos, hazard: BeginHazard):
    with hazard(4, "broker stopped or killed, and started again") as run:
        for _ in run.rounds:
            for how in (signal.SIGTERM, signal.SIGKILL):
                run.blast_under_way()
                chaos.broker.stop(how)
                run.strike()
                time.sleep(_AWAY_SECONDS)
                with run.recovery("the blast goes on", run.goes_on):
                    chaos.broker.start()
        assert max(run.record.recovered) < _RECOVERED_SECONDS
