"""Which results are recorded without waiting for others."""

from dataclasses import replace

import pytest

from issuance.states import State
from ledger.results.attempts import GiveBack
from tests.contract.ledger.build import TIMEOUT, issue, judge, make_job, refuse
from tests.unit.worker.build import claimed
from worker.chunk.fault_watch import HOLD_SECONDS, FaultWatch

FAULT = refuse(8003, "fail to issue reward as Reward is not found")
CUSTOMER = refuse(12034, "not in the segment")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock) -> FaultWatch:
    return FaultWatch(clock)


def urgent(watch, *replies) -> list[bool]:
    job = claimed(1)
    return [
        watch.is_urgent(judge(job, issue(job) if reply is None else reply)) for reply in replies
    ]


def test_the_third_fault_in_a_row_and_all_later_ones_are_recorded_at_once(watch):
    assert urgent(watch, FAULT, FAULT, FAULT, FAULT) == [False, False, True, True]


def test_faults_among_good_answers_wait_for_their_group(watch):
    assert not any(urgent(watch, *([FAULT, *[None] * 12] * 10)))


@pytest.mark.parametrize("reply", [CUSTOMER, TIMEOUT, None])
def test_other_results_wait_for_their_group(watch, reply):
    assert not any(urgent(watch, *[reply] * 30))


def test_reads_and_jobs_given_back_are_no_answers(watch):
    job = claimed(1)
    read = replace(judge(job, FAULT), job=replace(job, fallback=State.IN_DOUBT))
    assert not any(watch.is_urgent(read) for _ in range(10))
    assert not any(watch.is_urgent(GiveBack(job, 0.0, "x")) for _ in range(10))


def test_after_ten_faults_in_a_row_the_reward_is_held_for_some_seconds(watch, clock):
    urgent(watch, *[FAULT] * 9)
    assert not watch.holds(claimed(2))
    urgent(watch, FAULT)
    assert watch.holds(claimed(2))
    assert not watch.holds(claimed(2, fallback=State.IN_DOUBT)), "reading issues nothing"
    assert not watch.holds(claimed(2, campaign_id=8))
    clock.now += HOLD_SECONDS + 0.1
    assert not watch.holds(claimed(2)), "the ledger has not stopped it"


def test_a_held_reward_does_not_hold_others(watch):
    urgent(watch, *[FAULT] * 10)
    assert not watch.holds(claimed(2, job=make_job(2, rewards=(1002,))))
