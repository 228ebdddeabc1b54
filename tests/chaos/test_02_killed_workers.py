"""Whole workers are killed (SIGKILL) during their calls."""

from itertools import count

import pytest

from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_NUMBERS = count(1)


@pytest.mark.smoke
def test_a_killed_workers_jobs_continue_within_the_lease_and_two_seconds(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(2, "worker killed in mid-call (SIGKILL)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("its jobs continue", run.moves):
                worker = chaos.processes.kill_tree("worker")
            chaos.processes.find_again(worker, "worker")
        assert max(run.record.recovered) < LEASE_SECONDS + 2


def test_a_blast_continues_after_release_beat_and_background_worker_are_killed(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(2, "release, beat and background worker killed (SIGKILL)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            killed = {
                name: chaos.processes.kill(name)
                for name in ("release", "beat", "background-worker")
            }
            run.strike(len(killed))
            for name, process in killed.items():
                chaos.processes.find_again(process, name)
            # Only beat wakes the release for retries, and only the release publishes them.
            customer = f"91971{next(_NUMBERS):07d}"
            with run.recovery(
                "a background request is issued", lambda key=customer: lambda: _issued(chaos, key)
            ):
                asked = chaos.system.command(
                    "issue", "--mobile", customer, "--reward-id", "1001", "--key", customer
                )
                assert asked.returncode == 0, asked.stderr


def _issued(chaos: Chaos, customer: str) -> bool:
    return any(
        entry["customer"] == customer and entry["issued"] for entry in chaos.system.truth().values()
    )
