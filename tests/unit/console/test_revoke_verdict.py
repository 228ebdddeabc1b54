"""The verdict on a revocation, from the reply for each transaction."""

import pytest

from issuance.replies.reply import Answer, NoAnswer
from ledger.revocations import Verb
from operations.revocation_verdict import judge_revocation
from rewards_api.reads import NotRevoked, Revoked, Unreadable

DONE = Revoked("1", 2, Answer(200, b""))
LOST = Unreadable(NoAnswer("timeout", "no answer", sent=True))
NOT_SENT = Unreadable(NoAnswer("connect", "refused", sent=False))
GARBLED = Unreadable(Answer(502, b"<html>"))
OFF, WRONG_STATE, EMPTY, BUSY = (
    NotRevoked(code, "says so") for code in (13005, 13003, 10008, 1018)
)


@pytest.mark.parametrize(
    ("replies", "asked_before", "verb"),
    [
        ([DONE], False, Verb.REVOKED),
        ([DONE, DONE], False, Verb.REVOKED),
        ([DONE, EMPTY], False, Verb.REVOKED),
        ([WRONG_STATE], True, Verb.REVOKED),
        ([WRONG_STATE, DONE], True, Verb.REVOKED),
        ([WRONG_STATE], False, Verb.NOT_REVOKED),
        ([EMPTY], False, Verb.NOT_REVOKED),
        ([OFF], False, Verb.NOT_REVOKED),
        ([NOT_SENT], False, Verb.NOT_REVOKED),
        ([LOST], False, Verb.IN_DOUBT),
        ([GARBLED], False, Verb.IN_DOUBT),
        ([DONE, BUSY], False, Verb.IN_DOUBT),
        ([DONE, WRONG_STATE], False, Verb.IN_DOUBT),
        ([BUSY], True, Verb.IN_DOUBT),
        ([NOT_SENT], True, Verb.IN_DOUBT),
    ],
)
def test_a_line_is_revoked_when_every_transaction_with_units_is(replies, asked_before, verb):
    verdict = judge_revocation(dict(zip("123", replies, strict=False)), asked_before=asked_before)
    assert verdict.verb is verb
    assert bool(verdict.remedy) is (verb is not Verb.REVOKED)


@pytest.mark.parametrize(
    ("code", "remedy"), [(1018, "later"), (13005, "REVOKE_ENABLE"), (77, "undocumented_code")]
)
def test_a_refusal_names_the_remedy(code, remedy):
    verdict = judge_revocation({"1": NotRevoked(code, "no")}, asked_before=False)
    assert remedy in verdict.remedy


def test_the_apis_message_is_shown_without_personal_data():
    verdict = judge_revocation(
        {"1": NotRevoked(13003, "state of 919800000001 is wrong")}, asked_before=False
    )
    assert "919800000001" not in verdict.says
