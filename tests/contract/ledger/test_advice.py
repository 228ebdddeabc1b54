"""Advice on dead letters matches redrives, for every reason and code, in every campaign."""

import pytest

from issuance.outcome import Reason
from issuance.redrive.rules import Verb, refusal
from issuance.replies.codes import CODES
from issuance.replies.reply import Answer
from issuance.retry import RetryPolicy
from issuance.states import CampaignState, State
from ledger.campaigns import find_campaign, pause_campaign, resume_campaign
from ledger.dead_letters.browse import show_dead_letter
from ledger.dead_letters.rounds import advance_actions
from ledger.dispatch.cancellation import cancel_campaign
from tests.contract.ledger.build import (
    NOT_SENT,
    OPERATOR,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    refuse,
    say,
)

UNKNOWN_CODE = 98765
ACCOUNT_CODES = (401, 429)  # about the account: such a job waits, and no letter is ever opened
ROWS = [row for row in CODES if row.code not in (200, *ACCOUNT_CODES)]
WHOLE = [TIMEOUT, NOT_SENT, Answer(403, b""), Answer(502, b""), refuse(UNKNOWN_CODE)]
WHOLE += [refuse(row.code, (row.text or ("no",))[0]) for row in ROWS]


@pytest.fixture(params=["running", "paused", "finished", "cancelled"])
def letters(request, desk):
    """Make a dead letter of each code and missing answer, alone or with an issued line."""
    desk.accept(*(make_job(number) for number in range(len(WHOLE))))
    desk.accept(
        *(
            make_job(number, rewards=(1001, 1002))
            for number in range(len(WHOLE), len(WHOLE) + len(ROWS))
        )
    )
    held = desk.take()
    once = RetryPolicy(max_attempts=1)
    whole, in_part = held.jobs[: len(WHOLE)], held.jobs[len(WHOLE) :]
    replies = [
        (job, answer(say(job.lines[0]), say(job.lines[1], row.code)))
        for job, row in zip(in_part, ROWS, strict=True)
    ]
    desk.record(
        held,
        *(
            judge(job, reply, policy=once)
            for job, reply in [*zip(whole, WHOLE, strict=True), *replies]
        ),
    )
    if request.param == "paused":
        pause_campaign(desk.ledger, "diwali", OPERATOR)
    if request.param == "cancelled":
        cancel_campaign(desk.ledger, "diwali", OPERATOR)
    if request.param == "finished":
        desk.release()
    assert find_campaign(desk.ledger, "diwali").state == request.param
    return desk.letters(state="open")


def test_the_dead_letters_cover_every_reason_and_every_code(letters):
    assert {letter.reason for letter in letters} == set(Reason)
    assert {row.code for row in ROWS} <= {letter.code for letter in letters}


@pytest.mark.parametrize("verb", list(Verb))
def test_a_redrive_does_what_is_advised_and_refuses_the_rest_with_the_same_words(
    desk, letters, verb
):
    told = {letter.id: refusal(letter.case, verb) for letter in letters}
    assert show_dead_letter(desk.ledger, letters[0].id).letter == letters[0]
    if find_campaign(desk.ledger, "diwali").state is CampaignState.PAUSED:
        # A redrive waits while the campaign is paused; see test_bulk_redrives.
        assert desk.redrive(verb, ids=tuple(told)).done == []
        resume_campaign(desk.ledger, "diwali", OPERATOR)
        advance_actions(desk.ledger)
        sent = {letter_id for letter_id, why_not in told.items() if why_not is None}
        assert {letter.id for letter in desk.letters(state="redriven")} == sent
        return
    result = desk.redrive(verb, ids=tuple(told))
    assert result.done == [letter_id for letter_id, why_not in told.items() if why_not is None]
    assert result.refused == {
        letter_id: why_not for letter_id, why_not in told.items() if why_not is not None
    }


def test_a_resend_in_a_cancelled_campaign_reconciles_and_sends_nothing(desk):
    job = make_job()
    desk.settle(job, TIMEOUT)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.redrive(Verb.RESEND).done == [desk.letter().id]
    held, again = desk.take_one()
    assert (again.id, again.fallback) == (job.id, State.IN_DOUBT)
    desk.record(held, judge(again, issue(again)))
    assert (desk.counts(), desk.letter().state) == ({State.ISSUED: 1}, "closed")


def test_a_waiting_reissue_is_not_sent_after_its_campaign_is_cancelled(desk):
    desk.settle(make_job(), refuse())
    desk.redrive(Verb.REISSUE)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.counts() == {State.REPLACED: 1, State.CANCELLED: 1}
