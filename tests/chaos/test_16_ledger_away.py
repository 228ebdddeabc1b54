"""The ledger is away for a while: PostgreSQL stopped, SQLite locked by somebody else or its disk full."""

import time

import pytest

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0


@pytest.mark.smoke
def test_a_blast_goes_on_when_the_ledger_is_back(chaos: Chaos, hazard: BeginHazard):
    with hazard(16, "ledger away (PostgreSQL stopped, SQLite locked)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("the blast goes on", run.goes_on), chaos.ledger.away():
                time.sleep(60 if chaos.scale.long else 4)
        assert max(run.record.recovered) < _RECOVERED_SECONDS


def test_a_blast_goes_on_when_a_full_disk_has_room_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(16, "disk full") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with (
                run.recovery("the blast goes on", run.goes_on),
                chaos.processes.unable_to_write("worker", "release"),
            ):
                time.sleep(20 if chaos.scale.long else 3)
