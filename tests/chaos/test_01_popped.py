"""Redis hands a message over before it notes that it did: a worker killed in between takes the message along."""

import signal

import pytest

from issuance.states import State
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos, Hazard
from tests.e2e.processes import await_that

_JOBS = 20
_TRIES = 20


def test_a_chunk_that_a_frozen_worker_popped_and_took_to_its_grave_is_released_again(
    chaos: Chaos, hazard: BeginHazard
):
    if chaos.broker.kept_until_acknowledged:
        pytest.skip(
            "RabbitMQ keeps a message until it is acknowledged: there is no moment when nobody has it"
        )
    with hazard(1, "message popped by a frozen worker that is then killed") as run:
        for _ in run.rounds:
            assert any(_have_a_frozen_worker_pop_a_chunk(chaos, run) for _ in range(_TRIES))
            run.strike()
            with run.recovery("the chunk is released again", lambda: run.moves(State.QUEUED)):
                worker = chaos.processes.kill_tree("worker")
            chaos.processes.find_again(worker, "worker")


def _have_a_frozen_worker_pop_a_chunk(chaos: Chaos, run: Hazard) -> bool:
    """Freeze the worker and release a chunk to it: it gets it if it was waiting for one at that moment."""
    worker = chaos.processes.kill("worker", signal.SIGSTOP)
    run.blast(_JOBS)
    chaos.nudge.give()
    await_that("the chunk is released", lambda: len(run.standing(State.QUEUED)) == _JOBS)
    if chaos.broker.queued() or chaos.broker.fetched():
        worker.send_signal(signal.SIGCONT)
        await_that(
            "the chunk was issued", lambda: not run.standing(State.QUEUED) and not run.standing()
        )
        return False
    return True
