"""Connections to the broker are cut all the time while chunks are published."""

import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_CUTTING_SECONDS = 2.0
_PAUSE_SECONDS = 0.05


def test_chunks_whose_publishing_failed_half_way_are_published_later(chaos: Chaos, hazard: BeginHazard):
    with hazard(9, "connections cut while chunks are published") as run:
        for _ in run.rounds:
            run.blast()
            with run.recovery("the blast goes on", run.goes_on):
                until = time.monotonic() + _CUTTING_SECONDS
                while time.monotonic() < until:
                    run.strike(chaos.broker.cut_connections())
                    time.sleep(_PAUSE_SECONDS)
