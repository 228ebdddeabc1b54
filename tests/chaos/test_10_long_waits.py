"""A wait far longer than the broker's visibility timeout: nothing of it is in the broker, so nothing runs twice."""

import pytest

from tests.chaos.chaos_system import VISIBILITY_SECONDS
from tests.chaos.conftest import BeginHazard, scale
from tests.chaos.hazard import Chaos

_JOBS = 40


@pytest.mark.skipif(not scale.long, reason="it waits for longer than the visibility timeout: see `make chaos`")
def test_jobs_that_wait_longer_than_the_visibility_timeout_are_called_once_more_and_no_more(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(10, "wait longer than the visibility timeout (429, Retry-After)") as run:
        for _ in run.rounds:
            closed = {"kind": "429", "retry_after_seconds": VISIBILITY_SECONDS + 5}
            chaos.system.plan_faults({"next": [{"fault": closed}]})
            run.blast(_JOBS)
            run.strike()
            with run.recovery("the account is open again", run.goes_on, VISIBILITY_SECONDS + 20):
                pass
            run.wait_settled()
            # Those under way when the account was closed were answered; only one call was turned away.
            assert chaos.system.calls() <= run.record.jobs + run.record.faults
