"""Which redrive each reason allows, and how the other is refused."""

import pytest

from issuance.dead_letter import ALLOWED, Verb, advice, refusal
from issuance.outcome import Reason

RESEND, REISSUE = True, True
NO = False
TABLE = [
    # what may have been issued, or was never refused, is only ever resent
    (Reason.PARTIAL, RESEND, NO),
    (Reason.IN_DOUBT, RESEND, NO),
    (Reason.EXHAUSTED, RESEND, NO),
    (Reason.UNPROCESSED, RESEND, NO),
    # what was definitely refused burnt its requestId
    (Reason.FAILED, NO, REISSUE),
    (Reason.LIMIT, NO, REISSUE),
    (Reason.CONFIG, NO, REISSUE),
    (Reason.UNKNOWN_CODE, RESEND, REISSUE),
]


@pytest.mark.parametrize(("reason", "resend", "reissue"), TABLE)
def test_a_reason_allows_only_the_redrive_that_cannot_issue_twice(reason, resend, reissue):
    assert (refusal(reason, Verb.RESEND) is None) is resend
    assert (refusal(reason, Verb.REISSUE) is None) is reissue


def test_every_reason_is_in_the_table_and_allows_something():
    assert {row[0] for row in TABLE} == set(Reason) == set(ALLOWED)
    assert all(ALLOWED.values())


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.LIMIT, Reason.CONFIG])
def test_a_refused_resend_names_reason_and_remedy(reason):
    text = refusal(reason, Verb.RESEND)
    assert text.startswith(f"resend is not allowed for a dead letter with reason {reason}:")
    assert text.endswith("use --reissue")


@pytest.mark.parametrize("reason", [Reason.PARTIAL, Reason.IN_DOUBT, Reason.EXHAUSTED, Reason.UNPROCESSED])
def test_a_refused_reissue_names_reason_and_remedy(reason):
    text = refusal(reason, Verb.REISSUE)
    assert text.startswith(f"reissue is not allowed for a dead letter with reason {reason}:")
    assert "could issue twice" in text
    assert text.endswith("without --reissue")


@pytest.mark.parametrize("reason", list(Reason))
def test_advice_names_a_redrive_that_is_allowed_and_none_that_is_not(reason):
    text = advice(reason).lower()
    assert {verb for verb in Verb if verb.value in text} == ALLOWED[reason]
