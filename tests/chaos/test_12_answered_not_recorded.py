"""A worker is killed after the API replied and before the ledger recorded it."""

import pytest

from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_ANSWERS = 10


@pytest.mark.smoke
def test_a_reward_issued_but_not_recorded_is_resent_and_not_issued_twice(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(12, "worker killed between the API's answer and the record of it") as run:
        for _ in run.rounds:
            run.blast_under_way()
            with run.recovery("its jobs continue", run.moves), chaos.ledger.locked():
                settled = run.settled()
                await_that(
                    "answers are unrecorded", lambda at=settled: _issued(chaos) >= at + _ANSWERS
                )
                worker = chaos.processes.kill_tree("worker")
                run.strike()
            chaos.processes.find_again(worker, "worker")
        assert max(run.record.recovered) < LEASE_SECONDS + 2


def _issued(chaos: Chaos) -> int:
    return int(chaos.system.summary()["unitsIssued"])
