"""The broker answers, and refuses to work: a failover, a lost replica, a lost permission."""

import time

import pytest

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_RECOVERED_SECONDS = 10.0


def test_a_blast_continues_when_a_broker_that_refused_works_again(
    chaos: Chaos, hazard: BeginHazard
):
    if not chaos.broker.refusals:
        pytest.skip("only Redis answers with such errors")
    with hazard(19, "Redis answers READONLY, NOREPLICAS or NOPERM") as run:
        names = ("worker", "background-worker", "release", "dead-letters", "beat")
        for _ in run.rounds:
            for how in chaos.broker.refusals:
                run.blast_under_way()
                processes = {name: chaos.processes.find(name) for name in names}
                run.strike()
                with (
                    run.recovery("the blast continues", run.progresses),
                    chaos.broker.refusing(how),
                ):
                    run.blast(by_command=True)  # accepted, although the wake-up fails
                    time.sleep(90 if chaos.scale.long else 3)
                assert {name: chaos.processes.find(name) for name in names} == processes
        assert max(run.record.recovered) < _RECOVERED_SECONDS
