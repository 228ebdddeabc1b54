"""The ledger is unavailable: PostgreSQL stopped, SQLite locked, or the disk full."""

import time

import pytest

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0


@pytest.mark.smoke
def test_a_blast_continues_when_the_ledger_returns(chaos: Chaos, hazard: BeginHazard):
    with hazard(16, "ledger away (PostgreSQL stopped, SQLite locked)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("the blast continues", run.progresses), chaos.ledger.away():
                time.sleep(60 if chaos.scale.long else 4)
        assert max(run.record.recovered) < _RECOVERED_SECONDS


def test_a_blast_continues_when_a_full_disk_has_room_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(16, "disk full") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with (
                run.recovery("the blast continues", run.progresses),
                chaos.processes.unable_to_write("worker", "release"),
            ):
                time.sleep(20 if chaos.scale.long else 3)
