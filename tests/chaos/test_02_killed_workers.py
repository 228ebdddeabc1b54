"""SIGKILL to whole workers, again and again, in the middle of their calls."""

from tests.chaos.conftest import LEASE_SECONDS, BeginHazard
from tests.chaos.hazard import Chaos


def test_the_jobs_of_a_killed_worker_go_on_within_their_lease_and_two_seconds(chaos: Chaos, hazard: BeginHazard):
    with hazard(2, "worker killed in mid-call (SIGKILL)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("its jobs go on", run.moves):
                worker = chaos.processes.kill_tree("worker")
            chaos.processes.find_again(worker, "worker")
        assert max(run.record.recovered) < LEASE_SECONDS + 2
