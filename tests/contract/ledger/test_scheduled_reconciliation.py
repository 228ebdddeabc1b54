"""The decision to reconcile: when it is due, what the job keeps, and which worker may change it."""

from dataclasses import replace

import pytest

from issuance.outcome import Reason
from issuance.redrive.rules import Verb
from issuance.retry import Reconcile, RetryPolicy, Settle
from issuance.states import State
from ledger.dispatch.reaper import reap
from tests.contract.ledger.build import TIMEOUT, answer, issue, judge, make_job, say


def look_up(
    job, delay_seconds=30.0, fallback=State.IN_DOUBT, *, found_nothing=False, reply=TIMEOUT
):
    """Make an attempt after which the job is to be reconciled."""
    return replace(
        judge(job, reply), decision=Reconcile(delay_seconds, fallback, found_nothing=found_nothing)
    )


@pytest.fixture
def doubted(desk):
    """Make a job whose first attempt left a doubt that resending cannot clear."""
    held, job = desk.take_one(make_job())
    desk.record(held, look_up(job))
    return job


def test_a_reconciliation_is_due_after_its_delay_and_not_before(desk):
    held, job = desk.take_one(make_job())
    before = desk.row(job.id).due_at
    desk.record(held, look_up(job, 45.0))
    assert desk.row(job.id).due_at - before >= 45_000
    assert desk.release() == []
    assert desk.counts() == {State.WAITING: 1}
    assert desk.letters() == []


def test_a_reconciliation_is_claimed_with_its_fallback_as_possibly_sent(desk, doubted):
    held, again = desk.take_one()
    assert held.is_cancelled is False
    assert (again.fallback, again.may_have_reached, again.body) == (
        State.IN_DOUBT,
        True,
        doubted.body,
    )
    assert (again.attempts, again.budget_attempts, again.empty_reads) == (1, 1, 0)


def test_reads_that_do_not_count_leave_the_budget_as_it_is(desk, doubted):
    held, again = desk.take_one()
    probe = Reconcile(1.0, State.IN_DOUBT, counted=False)
    desk.record(held, replace(judge(again, TIMEOUT), decision=probe))
    after = desk.take_one()[1]
    assert (after.attempts, after.budget_attempts) == (2, 1)


@pytest.mark.parametrize("fallback", [State.IN_DOUBT, State.FAILED, State.PARTIAL, State.ISSUED])
def test_the_newest_decision_sets_the_fallback(desk, doubted, fallback):
    held, again = desk.take_one()
    desk.record(held, look_up(again, fallback=fallback))
    assert desk.take_one()[1].fallback is fallback


def test_every_read_counts_as_an_attempt_and_only_vain_ones_as_empty(desk, doubted):
    for found_nothing in (True, False, True):
        held, again = desk.take_one()
        desk.record(held, look_up(again, found_nothing=found_nothing))
    _, again = desk.take_one()
    assert (again.attempts, again.budget_attempts, again.empty_reads) == (4, 4, 2)


def test_a_reconciliation_stays_one_when_it_is_given_back_or_loses_its_worker(desk, doubted):
    held, again = desk.take_one()
    desk.record(held, look_up(again, found_nothing=True))
    desk.give_back(desk.take())
    desk.take()
    desk.lapse()
    reap(desk.ledger)
    _, again = desk.take_one()
    assert (again.fallback, again.empty_reads, again.attempts) == (State.IN_DOUBT, 1, 2)


def test_only_the_claims_holder_can_schedule_a_reconciliation(desk):
    held, job = desk.take_one(make_job())
    desk.lapse()
    reap(desk.ledger)
    desk.take()
    desk.record(held, look_up(job))
    row = desk.row(job.id)
    assert (row.state, row.fallback, row.attempts) == (State.RUNNING, None, 1)


def test_a_late_answer_settles_a_job_that_waits_for_reconciliation(desk):
    held, job = desk.take_one(make_job())
    desk.lapse()
    reap(desk.ledger)
    second, again = desk.take_one()
    desk.record(second, look_up(again))
    desk.record(held, judge(job, issue(job)))
    desk.make_due()
    assert desk.release() == []
    assert desk.counts() == {State.ISSUED: 1}


def test_issued_lines_stay_issued_while_the_others_are_reconciled(desk):
    held, job = desk.take_one(make_job(rewards=(1001, 1002)))
    one, other = job.lines
    desk.record(held, look_up(job, reply=answer(say(one), say(other, 10003))))
    assert desk.counts() == {State.ISSUED: 1, State.WAITING: 1}
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    assert desk.counts() == {State.ISSUED: 2}


def test_a_resend_after_vain_reads_sends_and_gets_all_its_reads_again(desk, doubted):
    held, again = desk.take_one()
    desk.record(held, look_up(again, found_nothing=True))
    held, again = desk.take_one()
    in_vain = Settle(State.IN_DOUBT, Reason.IN_DOUBT)
    desk.record(
        held, replace(judge(again, TIMEOUT, policy=RetryPolicy(max_attempts=1)), decision=in_vain)
    )
    assert desk.letter().reason == "in_doubt"
    desk.redrive(Verb.RESEND)
    _, again = desk.take_one()
    assert (again.fallback, again.empty_reads, again.budget_attempts, again.attempts) == (
        None,
        0,
        0,
        3,
    )
