"""Dead letters: at most one for each job; listed, shown and discarded."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.dead_letters.browse import show_dead_letter
from ledger.store.errors import LedgerError
from ledger.store.schema import jobs
from tests.contract.ledger.build import TIMEOUT, issue, judge, make_job, refuse


def test_a_dead_letter_is_opened_again_when_its_redrive_fails(desk):
    claimed = desk.settle(make_job(), TIMEOUT)
    first = desk.letter()
    desk.redrive(Verb.RESEND)
    assert desk.letter().state == "redriven"
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    letter = desk.letter()
    assert (letter.id, letter.state, letter.reason, letter.openings) == (
        first.id,
        "open",
        "failed",
        2,
    )
    assert letter.job_id == claimed.id


def test_a_dead_letter_is_closed_when_its_redrive_succeeds(desk):
    desk.settle(make_job(), TIMEOUT)
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    assert desk.letter().state == "closed"
    assert desk.letters(state="open") == []
    assert desk.counts() == {State.ISSUED: 1}


def test_dead_letters_are_listed_by_campaign_reason_code_state_and_id(desk):
    other = desk.another("holi")
    failed = desk.settle(make_job(1), refuse())
    desk.settle(make_job(2), TIMEOUT)
    other.settle(make_job(3, campaign="holi"), refuse(3004))
    assert [letter.reason for letter in desk.letters()] == ["failed", "in_doubt", "config"]
    assert [letter.job_id for letter in desk.letters(campaign="diwali", reason="failed")] == [
        failed.id
    ]
    assert [letter.campaign for letter in desk.letters(code=3004)] == ["holi"]
    assert desk.letters(state="closed") == []
    third = desk.letters()[2]
    assert desk.letters(ids=(third.id,)) == [third]


def test_a_dead_letters_history_has_its_lines_attempts_actions_and_body(desk):
    job = make_job(rewards=(1001, 1002))
    held, claimed = desk.take_one(job)
    desk.record(held, judge(claimed, TIMEOUT))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse(500), policy=None))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse()))
    desk.redrive(Verb.REISSUE)
    story = show_dead_letter(desk.ledger, desk.letter().id)
    assert story.body == job.body
    assert [line.request_id for line in story.lines] == [line.request_id for line in job.lines]
    assert [(attempt.number, attempt.kind) for attempt in story.attempts] == [
        (1, "in_doubt"),
        (2, "in_doubt"),
        (3, "failed"),
    ]
    assert story.attempts[0].took_seconds == 0.04
    assert [(action.subject, action.verb, action.reason) for action in story.actions] == [
        ("asha", "reissue", "ticket 42")
    ]


def test_the_ten_thousandth_attempt_is_recorded_and_decided_like_any_other(desk):
    held, claimed = desk.take_one(make_job())
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(attempts=9_999, budget_attempts=9_999))
    worn = replace(claimed, attempts=9_999, budget_attempts=9_999)
    policy = RetryPolicy(max_attempts=10_001, total_seconds=1e9)
    desk.record(held, judge(worn, TIMEOUT, policy=policy))
    _, again = desk.take_one()
    assert (again.attempts, again.budget_attempts) == (10_000, 10_000)


def test_a_missing_dead_letter_is_explained(desk):
    with pytest.raises(LedgerError, match="dead-letters list"):
        show_dead_letter(desk.ledger, 999)


def test_a_discarded_dead_letter_is_not_open_and_its_line_keeps_its_state(desk):
    desk.settle(make_job(), refuse())
    assert desk.discard().done == [desk.letter().id]
    assert desk.letter().state == "discarded"
    assert desk.counts() == {State.FAILED: 1}
    assert show_dead_letter(desk.ledger, desk.letter().id).actions[0].verb == "discard"


def test_only_an_open_dead_letter_is_discarded(desk):
    desk.settle(make_job(), TIMEOUT)
    letter_id = desk.letter().id
    desk.redrive(Verb.RESEND)
    result = desk.discard(ids=(letter_id,))
    assert result.done == []
    assert "redriven" in result.refused[letter_id]


def test_two_operators_discard_a_dead_letter_once(desk, at_once):
    desk.settle(make_job(), refuse())
    letter_id = desk.letter().id
    results = at_once(*[lambda: desk.discard(ids=(letter_id,))] * 2)
    assert sorted(len(result.done) for result in results) == [0, 1]


def test_a_late_success_is_recorded_and_leaves_a_discarded_dead_letter(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, refuse()))
    desk.discard()
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.letter().state == "discarded"
    assert desk.counts() == {State.ISSUED: 1}
