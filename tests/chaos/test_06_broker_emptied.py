"""The broker forgets everything, with work waiting in it."""

from issuance.states import State
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RECOVERED_SECONDS = 3.0
"""Long before a lease lapses: the next release notices it."""


def test_what_was_queued_in_an_emptied_broker_is_released_again_at_once(chaos: Chaos, hazard: BeginHazard):
    with hazard(6, "broker emptied (FLUSHALL)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            await_that("chunks wait in the broker", chaos.broker.queued)
            run.strike()
            with run.recovery("what was queued moves", lambda: run.moves(State.QUEUED)):
                chaos.broker.flush()
        assert max(run.record.recovered) < _RECOVERED_SECONDS
