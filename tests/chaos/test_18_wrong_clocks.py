"""Machines whose clocks differ by hours: only the ledger's clock sets leases and due times."""

import pytest
from sqlalchemy import select

from ledger.store.schema import attempts, campaigns, jobs
from tests.chaos.conftest import BeginHazard, scale
from tests.chaos.hazard import Chaos, Hazard

_HOUR_SECONDS = 3_600
_HOURS = (-3, 3)
_TRIES = 20
_RESETS = {"reset_before": 0.3}


@pytest.mark.skipif(not scale.long, reason="it starts four more processes: see `make chaos`")
def test_workers_whose_clocks_differ_by_hours_call_for_no_job_twice_and_retry_in_time(
    chaos: Chaos, hazard: BeginHazard
):
    behind, ahead = (
        chaos.another("worker", "release", ISSUANCE_TEST_CLOCK_HOURS=str(hours)) for hours in _HOURS
    )
    with hazard(18, "machines' clocks hours apart") as run, behind, ahead:
        for _ in run.rounds:
            run.strike(len(_HOURS))
            before = set(run.campaigns)
            assert any(_all_clocks_called(chaos, run, before) for _ in range(_TRIES))
        assert chaos.system.calls() == run.record.jobs
        chaos.system.plan_faults({"rates": _RESETS})
        run.blast()
        run.wait_settled()
        chaos.system.plan_faults({"rates": dict.fromkeys(_RESETS, 0)})


def _all_clocks_called(chaos: Chaos, run: Hazard, before: set[str]) -> bool:
    """Issue a blast; returns whether its attempts have the times of all clocks."""
    run.blast()
    run.wait_settled()
    apart = (attempts.c.started_at - jobs.c.accepted_at) / (_HOUR_SECONDS * 1_000.0)
    query = (
        select(apart)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(campaigns.c.name.in_(set(run.campaigns) - before))
    )
    with chaos.system.ledger.read() as connection:
        return {round(float(hours)) for hours in connection.scalars(query)} >= {0, *_HOURS}
