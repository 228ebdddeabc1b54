"""The broker is stopped or killed and restarted while all slots of the workers are busy."""

import signal
import time

import pytest

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0
_AWAY_SECONDS = 1.5
_LONG_AWAY_SECONDS = 45  # long enough for an exponential back-off to reach its longest wait


@pytest.mark.smoke
def test_a_blast_continues_within_ten_seconds_of_the_brokers_return(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(4, "broker stopped or killed, and started again") as run:
        for _ in run.rounds:
            for how in (signal.SIGTERM, signal.SIGKILL):
                run.blast_under_way()
                chaos.broker.stop(how)
                run.strike()
                time.sleep(_LONG_AWAY_SECONDS if chaos.scale.long else _AWAY_SECONDS)
                with run.recovery("the blast continues", run.progresses):
                    chaos.broker.start()
        assert max(run.record.recovered) < _RECOVERED_SECONDS
