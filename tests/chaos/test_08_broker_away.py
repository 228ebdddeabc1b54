"""The broker is down when work is accepted."""

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos


def test_a_blast_is_accepted_without_a_broker_and_published_when_it_returns(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(8, "broker away at acceptance") as run:
        for _ in run.rounds:
            chaos.broker.stop()
            run.blast(by_command=True)
            run.strike()
            with run.recovery("the blast is under way", run.progresses):
                chaos.broker.start()
