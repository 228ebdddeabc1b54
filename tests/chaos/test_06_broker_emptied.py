"""The broker forgets everything, with work waiting in it."""

from issuance.states import State
from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RECOVERED_SECONDS = 3.0
"""Long before a lease lapses: the next release notices it, where it can be seen."""

_MANY_CHUNKS = 300
"""Jobs of more chunks than the worker's children fetch at once."""


def test_what_was_queued_in_an_emptied_broker_is_released_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(6, "broker emptied (FLUSHALL, queues deleted)") as run:
        for _ in run.rounds:
            run.blast_under_way(max(_MANY_CHUNKS, chaos.scale.jobs))
            await_that("chunks wait in the broker", chaos.broker.queued)
            run.strike()
            with run.recovery("what was queued moves", lambda: run.moves(State.QUEUED)):
                chaos.broker.flush()
        most = LEASE_SECONDS + 2 if chaos.broker.forgets_quietly else _RECOVERED_SECONDS
        assert max(run.record.recovered) < most
