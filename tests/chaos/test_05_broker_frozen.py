"""The broker does not answer for a while; its connections stay open."""

import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_RECOVERED_SECONDS = 10.0
_GIVEN_BACK_SECONDS = 20.0
"""Longer than any wait for Redis, which takes up to 11 s with a new connection."""


def test_a_blast_continues_when_a_frozen_broker_answers_again(chaos: Chaos, hazard: BeginHazard):
    with hazard(5, "broker frozen (SIGSTOP)") as run:
        for _ in run.rounds:
            for seconds in (6, 15) if chaos.scale.long else (6,):
                run.blast_under_way()
                run.strike()
                with run.recovery("the blast continues", run.progresses), chaos.broker.frozen():
                    frozen = time.monotonic()
                    # A worker that gets no slot for a call gives its jobs back.
                    await_that(
                        "no job is running",
                        lambda: not run.jobs_in(),
                        _GIVEN_BACK_SECONDS,
                    )
                    time.sleep(max(0.0, frozen + seconds - time.monotonic()))
        assert max(run.record.recovered) < _RECOVERED_SECONDS
