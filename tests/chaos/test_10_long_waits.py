"""A wait longer than the visibility timeout: the jobs wait in the ledger, so none runs twice."""

import time

import pytest

from issuance.states import State
from tests.chaos.chaos_system import API_SECONDS, VISIBILITY_SECONDS
from tests.chaos.conftest import BeginHazard, scale
from tests.chaos.hazard import Chaos, Hazard
from tests.e2e.processes import await_that

_JOBS = 40
_OFTEN_SECONDS = 0.02


@pytest.mark.skipif(
    not scale.long, reason="it waits for longer than the visibility timeout: see `make chaos`"
)
def test_jobs_that_wait_past_the_visibility_timeout_are_called_only_once_more(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(10, "wait longer than the visibility timeout (429, Retry-After)") as run:
        for _ in run.rounds:
            refused = {"kind": "429", "retry_after_seconds": VISIBILITY_SECONDS + 2}
            chaos.system.plan_faults({"next": [{"fault": refused}]})
            run.blast(_JOBS)
            run.strike()
            await_that("the 429", lambda: _turned_away(chaos) == run.record.faults, 40)
            suspended_at = time.monotonic()
            await_that(
                "running calls have ended", lambda: not _on_the_way(chaos, run), API_SECONDS + 2
            )
            while time.monotonic() < suspended_at + VISIBILITY_SECONDS:
                assert _on_the_way(chaos, run) == 0
                time.sleep(_OFTEN_SECONDS)
            with run.recovery("the account is available again", run.progresses):
                pass
            run.wait_settled()
            # Calls that were running when the account was suspended got their reply; one got a 429.
            assert chaos.system.calls() <= run.record.jobs + run.record.faults


def _turned_away(chaos: Chaos) -> int:
    return int(chaos.system.summary()["callsByHttpStatus"].get("429", 0))


def _on_the_way(chaos: Chaos, run: Hazard) -> int:
    """Messages in the broker, and jobs queued or running."""
    return chaos.broker.queued() + len(run.jobs_in(State.QUEUED)) + len(run.jobs_in(State.RUNNING))
