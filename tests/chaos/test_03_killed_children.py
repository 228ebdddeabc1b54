"""A worker's child is killed (SIGKILL), and poison jobs kill every child that claims them."""

from collections.abc import Callable

import pytest

from issuance.states import State
from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos, Hazard
from tests.e2e.processes import await_that

_AT_ONCE_SECONDS = 2.0
_TWO_CHUNKS = 100
_WITH_THEM = 30


# Another load on the machine makes it slower: one run of three must pass.
@pytest.mark.flaky(reruns=2)
def test_a_killed_childs_chunk_continues_within_two_seconds(chaos: Chaos, hazard: BeginHazard):
    slow = chaos.system.switched(latency_seconds=0.8)
    with hazard(3, "worker's child killed in mid-call (SIGKILL)") as run, slow:
        for _ in run.rounds:
            # One chunk for each child and none waiting: Redis appends a redelivered message to the
            # queue.
            run.blast(_TWO_CHUNKS)
            await_that("both children have a chunk", lambda: run.chunks_running() == 2, 40)
            run.strike()
            with run.recovery("its chunk is claimed again", lambda: _claimed_again(run)):
                chaos.processes.children("worker")[0].kill()
            run.wait_settled()
        assert max(run.record.recovered) < _AT_ONCE_SECONDS


def _claimed_again(run: Hazard) -> Callable[[], bool]:
    before = run.jobs_in()
    return lambda: any(
        claims > before[number][0]
        for number, (claims, _) in run.jobs_in().items()
        if number in before
    )


def test_poison_jobs_are_isolated_and_dead_lettered_and_the_rest_is_issued(
    chaos: Chaos, hazard: BeginHazard
):
    deadly = [{"mobile": f"9197{ending}{ending}", "rewardId": 1001} for ending in (8998, 8999)]
    with hazard(3, "job that kills its worker (segmentation fault, SIGKILL)") as run:
        for number in run.rounds:
            first = [row | {"rewardId": 1001 if number % 2 else 1011} for row in deadly]
            name = run.blast(_WITH_THEM, first)
            run.strike(len(first))
            with run.recovery(
                "everything is settled", lambda name=name: lambda: _is_settled(chaos, name), 60
            ):
                pass
            assert chaos.system.balance(name).counts[State.ISSUED] == _WITH_THEM
            letters = list_dead_letters(chaos.system.ledger, DeadLetterFilter(campaign=name))
            assert sorted(letter.customer.value[-4:] for letter in letters) == ["8998", "8999"]


def _is_settled(chaos: Chaos, name: str) -> bool:
    return not chaos.system.balance(name).unsettled
