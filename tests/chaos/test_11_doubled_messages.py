"""The broker redelivers the messages of a worker that hangs past the visibility timeout."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
import pytest

from tests.chaos.chaos_system import VISIBILITY_SECONDS
from tests.chaos.conftest import BeginHazard, scale
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RESTORED_SECONDS = 8
_BUSY_SECONDS = 15
_ONE_CHUNK = 50


@pytest.mark.skipif(
    not scale.long, reason="it waits for longer than the visibility timeout: see `make chaos`"
)
def test_messages_redelivered_while_their_worker_hung_issue_nothing_twice(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(
        11, "worker frozen for longer than the visibility timeout, its messages doubled"
    ) as run:
        for _ in run.rounds:
            run.blast_under_way()
            worker = chaos.processes.find("worker")
            all_of_it = [worker, *worker.children(recursive=True)]
            with run.recovery("the blast continues", run.progresses), _suspended(all_of_it):
                run.strike()
                await_that(
                    "its messages are restored",
                    lambda: not chaos.broker.fetched(),
                    _longest_held(chaos),
                )
                time.sleep(_RESTORED_SECONDS)


@contextmanager
def _suspended(processes: Sequence[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def _longest_held(chaos: Chaos) -> float:
    """Seconds until the broker takes a frozen worker's messages back."""
    if (heartbeat := chaos.broker.heartbeat_seconds) is None:
        return VISIBILITY_SECONDS + _BUSY_SECONDS
    return 3 * heartbeat + _BUSY_SECONDS


def test_messages_redelivered_during_their_calls_cause_no_further_call(
    chaos: Chaos, hazard: BeginHazard
):
    slow = chaos.system.switched(latency_seconds=1.0)
    with hazard(11, "connections cut in mid-call, messages delivered again") as run, slow:
        for _ in run.rounds:
            # the worker's other child is free for the redelivered message
            run.blast(_ONE_CHUNK)
            await_that("its calls are under way", run.jobs_in, 40)
            run.strike(chaos.broker.cut_connections())
            run.wait_settled()
        assert chaos.system.calls() == run.record.jobs
