"""A worker that hangs for longer than the visibility timeout: the broker delivers its messages again meanwhile."""

import time

import pytest

from tests.chaos.chaos_system import VISIBILITY_SECONDS
from tests.chaos.conftest import BeginHazard, scale
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RESTORED_SECONDS = 8


@pytest.mark.skipif(not scale.long, reason="it waits for longer than the visibility timeout: see `make chaos`")
def test_messages_that_were_doubled_while_their_worker_hung_do_nothing_twice(chaos: Chaos, hazard: BeginHazard):
    with hazard(11, "worker frozen for longer than the visibility timeout, its messages doubled") as run:
        for _ in run.rounds:
            run.blast_under_way()
            worker = chaos.processes.find("worker")
            all_of_it = [worker, *worker.children(recursive=True)]
            for process in all_of_it:
                process.suspend()
            run.strike()
            await_that("its messages are restored", lambda: not chaos.broker.fetched(), VISIBILITY_SECONDS + 15)
            time.sleep(_RESTORED_SECONDS)
            with run.recovery("the blast goes on", run.goes_on):
                for process in all_of_it:
                    process.resume()
