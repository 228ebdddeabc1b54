"""Redis delivers a message before it records the delivery: a worker killed in between loses it."""

import signal

import pytest

from issuance.states import State
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos, Hazard
from tests.e2e.processes import await_that

_JOBS = 20
_TRIES = 20


def test_a_chunk_popped_by_a_worker_that_then_died_is_released_again(
    chaos: Chaos, hazard: BeginHazard
):
    if chaos.broker.kept_until_acknowledged:
        pytest.skip("RabbitMQ keeps a message until it is acknowledged, so it cannot be lost here")
    with hazard(1, "message popped by a frozen worker that is then killed") as run:
        for _ in run.rounds:
            assert any(_frozen_worker_popped_a_chunk(chaos, run) for _ in range(_TRIES))
            run.strike()
            with run.recovery("the chunk is released again", lambda: run.moves(State.QUEUED)):
                worker = chaos.processes.kill_tree("worker")
            chaos.processes.find_again(worker, "worker")


def _frozen_worker_popped_a_chunk(chaos: Chaos, run: Hazard) -> bool:
    """Freeze the worker and release a chunk: a worker that was waiting for one has popped it."""
    worker = chaos.processes.kill("worker", signal.SIGSTOP)
    run.blast(_JOBS)
    chaos.wake_up.request()
    await_that("the chunk is released", lambda: len(run.jobs_in(State.QUEUED)) == _JOBS)
    if chaos.broker.queued() or chaos.broker.fetched():
        worker.send_signal(signal.SIGCONT)
        await_that(
            "the chunk was issued", lambda: not run.jobs_in(State.QUEUED) and not run.jobs_in()
        )
        return False
    return True
