"""SIGKILL to a worker's child, and jobs that kill every child they meet."""

from issuance.states import State
from ledger.dead_letters import LetterFilter, list_letters
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos

_AT_ONCE_SECONDS = 2.0


def test_the_chunk_of_a_killed_child_goes_on_within_two_seconds(chaos: Chaos, hazard: BeginHazard):
    with hazard(3, "worker's child killed in mid-call (SIGKILL)") as run:
        for _ in run.rounds:
            run.blast_under_way()
            run.strike()
            with run.recovery("its jobs go on", run.moves):
                chaos.processes.children("worker")[0].kill()
            run.wait_settled()
        assert max(run.record.recovered) < _AT_ONCE_SECONDS


def test_jobs_that_kill_every_worker_are_tried_alone_and_dead_lettered_and_the_rest_of_their_chunk_is_issued(
    chaos: Chaos, hazard: BeginHazard
):
    deadly = [{"mobile": f"9197{ending}{ending}", "rewardId": 1001} for ending in (8998, 8999)]
    with hazard(3, "job that kills its worker (segmentation fault, SIGKILL)") as run:
        for number in run.rounds:
            more = [row | {"rewardId": 1001 if number % 2 else 1011} for row in deadly]
            name = run.blast(30, more)
            run.strike(len(more))
            with run.recovery("everything is settled", lambda name=name: lambda: _is_settled(chaos, name), 90):
                pass
            assert chaos.system.balance(name).counts[State.ISSUED] == 30
            letters = list_letters(chaos.system.ledger, LetterFilter(campaign=name))
            assert sorted(letter.customer.value[-4:] for letter in letters) == ["8998", "8999"]


def _is_settled(chaos: Chaos, name: str) -> bool:
    return not chaos.system.balance(name).unsettled
