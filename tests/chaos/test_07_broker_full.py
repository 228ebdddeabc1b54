"""The broker has no memory left: publishing, acknowledging and the limits fail."""

import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0


def test_a_blast_continues_when_a_full_broker_has_room_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(7, "broker out of memory (maxmemory, memory alarm)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            worker = chaos.processes.find("worker")
            run.strike()
            with run.recovery("the blast continues", run.progresses), chaos.broker.full():
                run.blast(by_command=True)  # accepted, although the wake-up fails
                time.sleep(15 if chaos.scale.long else 3)
            assert chaos.processes.find("worker") == worker  # it survived
        assert max(run.record.recovered) < _RECOVERED_SECONDS
