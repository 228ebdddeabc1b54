"""A job that reconciliation does not find is settled by its last reply, as is its dead letter."""

from dataclasses import replace

from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.retry import Reconcile, Settle
from issuance.states import State
from tests.contract.ledger.build import LIMIT_CODE, answer, judge, make_job, refuse, say


def _looked_in_vain(job, attempt, settle):
    lines = tuple(
        LineOutcome(line.request_id, Kind.IN_DOUBT, None, "not found", Reason.IN_DOUBT)
        for line in job.lines
    )
    return replace(
        attempt, job=job, outcome=Outcome(Kind.IN_DOUBT, None, "not found", lines), decision=settle
    )


def test_a_refusal_that_no_read_contradicts_keeps_its_code_and_reason(desk):
    held, job = desk.take_one(make_job())
    attempt = replace(
        judge(job, refuse(LIMIT_CODE, "Max limit")), decision=Reconcile(30.0, State.FAILED)
    )
    desk.record(held, attempt)
    held, job = desk.take_one()
    assert job.fallback is State.FAILED
    desk.record(
        held, _looked_in_vain(job, attempt, Settle(State.FAILED, Reason.FAILED, uses_fallback=True))
    )
    letter, line = desk.letter(), desk.line(job)
    assert (letter.reason, letter.code, letter.message) == (Reason.LIMIT, LIMIT_CODE, "Max limit")
    assert (line.state, line.code) == (State.FAILED, LIMIT_CODE)


def test_a_doubt_that_no_read_clears_says_that_nothing_was_found(desk):
    held, job = desk.take_one(make_job())
    attempt = replace(
        judge(job, refuse(10003, "other payload")), decision=Reconcile(30.0, State.IN_DOUBT)
    )
    desk.record(held, attempt)
    held, job = desk.take_one()
    desk.record(held, _looked_in_vain(job, attempt, Settle(State.IN_DOUBT, Reason.IN_DOUBT)))
    letter = desk.letter()
    assert (letter.reason, letter.code, letter.message) == (Reason.IN_DOUBT, None, "not found")


def test_a_job_claimed_again_has_the_transactions_of_earlier_replies(desk):
    held, job = desk.take_one(make_job(quantity=2))
    assert job.shown_transactions == frozenset()
    attempt = judge(
        job, answer(say(job.lines[0], 8010, units=1, vouchers=["V-1"], transactionId=300101))
    )
    desk.record(held, replace(attempt, decision=Reconcile(30.0, State.PARTIAL)))
    _, job = desk.take_one()
    assert job.shown_transactions == {"300101"}
