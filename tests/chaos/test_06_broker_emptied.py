"""The broker loses all its messages while chunks wait in it."""

from issuance.states import State
from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RECOVERED_SECONDS = 3.0
"""Long before a lease lapses: the next release detects the loss where it can."""

_MANY_CHUNKS = 300
"""More chunks than the worker's children prefetch."""


def test_chunks_of_an_emptied_broker_are_released_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(6, "broker emptied (FLUSHALL, queues deleted)") as run:
        for _ in run.rounds:
            run.blast_under_way(max(_MANY_CHUNKS, chaos.scale.jobs))
            await_that("chunks wait in the broker", chaos.broker.queued)
            run.strike()
            with run.recovery("the queued jobs move", lambda: run.moves(State.QUEUED)):
                chaos.broker.flush()
        most = LEASE_SECONDS + 2 if chaos.broker.forgets_quietly else _RECOVERED_SECONDS
        assert max(run.record.recovered) < most
