"""Late and duplicate results: states only improve, vouchers are only added, balances add up."""

import pytest

from issuance.redrive.rules import Verb
from issuance.replies.reply import Answer
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.dispatch.reaper import reap
from tests.contract.ledger.build import (
    BUSY_CODE,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    refuse,
    say,
)

ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture
def two_holders(desk):
    """Make a job that a second worker holds, while the first, taken for dead, may still record."""

    def take(job):
        held, claimed = desk.take_one(job)
        desk.lapse()
        reap(desk.ledger)
        return (held, claimed), desk.take_one()

    return take


def test_a_duplicate_result_changes_only_the_count_of_attempts(desk):
    held, claimed = desk.take_one(make_job())
    attempt = judge(claimed, issue(claimed))
    desk.record(held, attempt)
    before = desk.line(claimed)
    assert desk.record(held, attempt) is False
    after = desk.line(claimed)
    assert (after.state, after.vouchers, after.settled_at) == (
        before.state,
        before.vouchers,
        before.settled_at,
    )
    assert after.attempts == 2
    assert desk.counts() == {State.ISSUED: 1}


def test_a_duplicate_failure_opens_its_dead_letter_once(desk):
    held, claimed = desk.take_one(make_job())
    attempt = judge(claimed, refuse())
    assert desk.record(held, attempt) is True
    assert desk.record(held, attempt) is False
    assert desk.letter().openings == 1


def test_a_duplicate_result_does_not_give_back_a_job_that_another_holds(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    desk.record(first, judge(old, TIMEOUT))
    assert desk.state(new) == State.RUNNING
    desk.record(second, judge(new, issue(new)))
    assert desk.counts() == {State.ISSUED: 1}


def test_an_issued_job_is_never_overwritten(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    desk.record(second, judge(new, issue(new)))
    for reply in (refuse(), refuse(8010), TIMEOUT):
        desk.record(first, judge(old, reply, policy=ONCE))
    assert desk.line(new).state == State.ISSUED
    assert desk.line(new).code == 200
    assert desk.letters() == []


def test_a_late_success_settles_a_failed_job_and_closes_its_dead_letter(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    desk.record(second, judge(new, refuse()))
    assert desk.letter().state == "open"
    desk.record(first, judge(old, issue(old)))
    assert desk.counts() == {State.ISSUED: 1}
    assert desk.letter().state == "closed"


def test_a_late_definite_answer_replaces_a_doubt(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    desk.record(second, judge(new, TIMEOUT, policy=ONCE))
    assert desk.letter().reason == "in_doubt"
    desk.record(first, judge(old, refuse()))
    assert desk.counts() == {State.FAILED: 1}
    assert (desk.letter().reason, desk.letter().openings) == ("failed", 2)


def test_a_late_doubt_does_not_replace_a_definite_answer(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    desk.record(second, judge(new, refuse()))
    assert desk.record(first, judge(old, TIMEOUT, policy=ONCE)) is False
    assert desk.counts() == {State.FAILED: 1}


def test_a_late_result_settles_a_waiting_job_and_its_message_claims_nothing(desk):
    held, claimed = desk.take_one(make_job())
    desk.lapse()
    reap(desk.ledger)
    (chunk,) = desk.release()
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.claim(chunk).jobs == ()
    assert desk.counts() == {State.ISSUED: 1}


def test_only_the_holder_gives_a_job_back(desk, two_holders):
    (first, _), (_, new) = two_holders(make_job())
    desk.give_back(first)
    assert desk.state(new) == State.RUNNING


def test_a_settled_job_is_not_given_back(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, issue(claimed)))
    desk.give_back(held)
    assert desk.counts() == {State.ISSUED: 1}


def test_a_late_result_that_issues_some_lines_keeps_the_balance(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job(rewards=(1001, 1002)))
    good, busy = old.lines
    desk.record(first, judge(old, answer(say(good), say(busy, BUSY_CODE))))
    assert desk.counts() == {State.ISSUED: 1, State.RUNNING: 1}
    desk.record(second, judge(new, issue(new)))
    assert desk.counts() == {State.ISSUED: 2}


def test_a_job_whose_lines_were_issued_by_different_replies_is_issued(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002)))
    one, other = claimed.lines
    desk.record(held, judge(claimed, answer(say(one), say(other, BUSY_CODE))))
    held, claimed = desk.take_one()
    # This time the finished requestId is refused, which changes nothing.
    desk.record(held, judge(claimed, answer(say(one, 500), say(other))))
    assert desk.counts() == {State.ISSUED: 2}
    assert desk.state(claimed) == State.ISSUED
    assert desk.letters() == []


def test_a_refusal_of_the_other_lines_keeps_issued_ones(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002)))
    one, other = claimed.lines
    desk.record(held, judge(claimed, answer(say(one), say(other, BUSY_CODE))))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse()))
    assert [line.state for line in desk.lines(claimed)] == [State.ISSUED, State.FAILED]
    assert desk.state(claimed) == State.PARTIAL


def test_vouchers_of_all_replies_are_kept(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job(quantity=2))
    (line,) = new.lines
    desk.record(second, judge(new, answer(say(line, vouchers=["A", "B"]))))
    desk.record(first, judge(old, answer(say(line, vouchers=["B", "C"]))))
    shown = desk.line(new)
    assert shown.vouchers == ("A", "B", "C")
    assert shown.state == State.ISSUED


def test_a_late_refusal_that_shows_a_voucher_adds_it_and_nothing_else(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    (line,) = new.lines
    desk.record(second, judge(new, answer(say(line, vouchers=["A"]))))
    before = desk.line(new)
    desk.record(first, judge(old, answer(say(line, 8004, vouchers=["B"])), policy=ONCE))
    after = desk.line(new)
    assert after.vouchers == ("A", "B")
    assert (after.state, after.code, after.message) == (before.state, before.code, before.message)
    assert after.settled_at == before.settled_at


def test_quantities_of_two_attempts_are_never_added(desk):
    claimed = desk.settle(make_job(quantity=3), refuse(8010))
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    (line,) = again.lines
    desk.record(held, judge(again, answer(say(line, 8010, units=2, vouchers=["A", "B"]))))
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, answer(say(line, 8010, units=1, vouchers=["C"]))))
    assert desk.line(claimed).quantity == 2
    assert desk.line(claimed).vouchers == ("A", "B", "C")


def test_a_refusal_after_a_partial_issue_leaves_the_job_partial(desk):
    claimed = desk.settle(
        make_job(quantity=2),
        answer(say(make_job(quantity=2).lines[0], 8010, units=1, vouchers=["A"])),
    )
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    assert desk.counts() == {State.PARTIAL: 1}
    assert desk.line(claimed).vouchers == ("A",)
    refused = desk.redrive(Verb.REISSUE).refused
    assert "could issue twice" in refused[desk.letter().id]


def test_units_shown_after_a_refusal_prevent_a_reissue(desk, two_holders):
    (first, old), (second, new) = two_holders(make_job())
    (line,) = new.lines
    desk.record(second, judge(new, refuse()))
    desk.record(first, judge(old, answer(say(line, 500, units=1, vouchers=["A"]))))
    assert desk.counts() == {State.PARTIAL: 1}
    assert desk.letter().reason == "partial"
    assert "could issue twice" in desk.redrive(Verb.REISSUE).refused[desk.letter().id]


def test_of_two_concurrent_results_the_better_one_stays(desk, two_holders, at_once):
    (first, old), (second, new) = two_holders(make_job())
    at_once(
        lambda: desk.record(first, judge(old, refuse())),
        lambda: desk.record(second, judge(new, issue(new))),
    )
    assert desk.counts() == {State.ISSUED: 1}
    assert [letter.state for letter in desk.letters()] in ([], ["closed"])


def test_a_late_answer_without_content_does_not_replace_what_a_definite_one_said(desk):
    """A page with status 200, recorded late, must not let a refused line count as issued."""
    desk.accept(make_job(1, rewards=(1001, 1002)))
    first = desk.take()
    late = judge(first.jobs[0], Answer(200, b"\xff"))
    desk.record(first, late)
    desk.make_due()
    second = desk.take()
    job = second.jobs[0]
    desk.record(second, judge(job, answer(say(job.lines[0]), say(job.lines[1], 12035))))
    assert desk.lines(job)[1].code == 12035
    desk.record(first, late)
    assert desk.lines(job)[1].code == 12035
