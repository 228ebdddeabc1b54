"""Which redrive each reason allows, and how the other is refused."""

from itertools import product

import pytest

from issuance.outcome import Reason
from issuance.redrive.rules import ALLOWED, Case, Verb, advice, refusal
from issuance.states import DeadLetterState

RESEND, REISSUE = True, True
NO = False


def case(reason=Reason.FAILED, *, state="open", **more):
    return Case(DeadLetterState(state), reason, "spring", **more)


TABLE = [
    # may have been issued, or was never refused: only a resend is safe
    (Reason.PARTIAL, RESEND, NO),
    (Reason.IN_DOUBT, RESEND, NO),
    (Reason.EXHAUSTED, RESEND, NO),
    (Reason.UNPROCESSED, RESEND, NO),
    # definitely refused: the requestId cannot be used again
    (Reason.FAILED, NO, REISSUE),
    (Reason.LIMIT, NO, REISSUE),
    (Reason.CONFIG, NO, REISSUE),
    (Reason.UNKNOWN_CODE, RESEND, REISSUE),
]


@pytest.mark.parametrize(("reason", "resend", "reissue"), TABLE)
def test_a_reason_allows_only_the_redrive_that_cannot_issue_twice(reason, resend, reissue):
    assert (refusal(case(reason), Verb.RESEND) is None) is resend
    assert (refusal(case(reason), Verb.REISSUE) is None) is reissue


def test_every_reason_allows_a_redrive():
    assert {row[0] for row in TABLE} == set(Reason) == set(ALLOWED)
    assert all(ALLOWED.values())


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.LIMIT, Reason.CONFIG])
def test_the_refusal_of_a_resend_names_reason_and_remedy(reason):
    text = refusal(case(reason), Verb.RESEND)
    assert text.startswith(f"resend is not allowed for a dead letter with reason {reason}:")
    assert text.endswith("use --reissue")


@pytest.mark.parametrize(
    "reason", [Reason.PARTIAL, Reason.IN_DOUBT, Reason.EXHAUSTED, Reason.UNPROCESSED]
)
def test_the_refusal_of_a_reissue_names_reason_and_remedy(reason):
    text = refusal(case(reason), Verb.REISSUE)
    assert text.startswith(f"reissue is not allowed for a dead letter with reason {reason}:")
    assert "could issue twice" in text
    assert text.endswith("without --reissue")


@pytest.mark.parametrize("reason", list(Reason))
def test_advice_names_only_allowed_redrives(reason):
    text = advice(case(reason)).lower()
    assert {verb for verb in Verb if verb.value in text} == ALLOWED[reason]


@pytest.mark.parametrize("state", ["redriven", "closed", "discarded"])
def test_only_an_open_dead_letter_can_be_redriven(state):
    for reason, verb in product(Reason, Verb):
        assert f"it is {state} already" in refusal(case(reason, state=state), verb)
    assert advice(case(state=state)) == f"nothing: it is {state}"


def test_a_reissued_dead_letter_cannot_be_redriven():
    for reason, verb in product(Reason, Verb):
        assert "was reissued as 7a" in refusal(case(reason, reissued_as="7a"), verb)
    assert "reissued as 7a: look at both" in advice(case(reissued_as="7a"))


def test_in_a_cancelled_campaign_only_a_job_in_doubt_can_be_resent_to_reconcile_it():
    allowed = {
        (reason, verb)
        for reason, verb in product(Reason, Verb)
        if refusal(case(reason, campaign_cancelled=True), verb) is None
    }
    assert allowed == {(Reason.IN_DOUBT, Verb.RESEND)}
    assert "looks it up" in advice(case(Reason.IN_DOUBT, campaign_cancelled=True))
    assert "spring was cancelled" in refusal(case(campaign_cancelled=True), Verb.REISSUE)


@pytest.mark.parametrize("reason", [reason for reason in Reason if Verb.REISSUE in ALLOWED[reason]])
def test_a_job_without_a_refused_line_cannot_be_reissued(reason):
    whole = case(reason, has_refused_line=False)
    assert refusal(whole, Verb.REISSUE) is not None
    assert "reissue" not in advice(whole).replace("none to reissue", "")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_job_with_a_revoked_line_is_not_sent_again(reason):
    revoked = case(reason, has_revoked_line=True)
    assert "was revoked" in refusal(revoked, Verb.RESEND)
    assert (refusal(revoked, Verb.REISSUE) is None) is (Verb.REISSUE in ALLOWED[reason])
    assert "discard" in advice(revoked)


def test_no_refusal_or_advice_names_another_refused_redrive():
    for reason, cancelled, refused_line in product(Reason, (False, True), (False, True)):
        told = case(reason, campaign_cancelled=cancelled, has_refused_line=refused_line)
        allowed = {verb for verb in Verb if refusal(told, verb) is None}
        texts = [text for verb in Verb if (text := refusal(told, verb))]
        assert allowed or "discard" in advice(told)
        for text in texts:
            assert Verb.REISSUE in allowed or not text.endswith("use --reissue")
            assert Verb.RESEND in allowed or not text.endswith("without --reissue")


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("verb", list(Verb))
def test_nothing_of_an_erased_customer_can_be_sent_and_the_advice_is_to_discard(reason, verb):
    erased = case(reason, customer_erased=True)
    assert "customer was erased" in refusal(erased, verb)
    assert "discard it" in advice(erased)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("verb", list(Verb))
def test_a_closed_campaign_sends_nothing_more(reason, verb):
    closed = case(reason, campaign_closed=True)
    assert "its campaign spring is closed" in refusal(closed, verb)
    assert "discard it" in advice(closed)
