"""What a plan expects of each letter, and when a trial is good enough."""

from itertools import product

import pytest

from issuance.outcome import Reason
from issuance.redrive.forecast import SENDABLE, Results, Verdict, forecast, is_better
from issuance.redrive.rules import Case, Verb, refusal
from issuance.states import DeadLetterState


def case(reason=Reason.IN_DOUBT, **more):
    return Case(DeadLetterState.OPEN, reason, "spring", **more)


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("erased", [False, True])
def test_what_the_rules_refuse_is_refused_and_nothing_else(cancelled, erased):
    for reason, verb in product(Reason, Verb):
        facts = case(reason, campaign_cancelled=cancelled, customer_erased=erased)
        found = forecast(facts, verb, Results(3, issued=0, failed=9))
        why_not = refusal(facts, verb)
        assert (found.verdict in SENDABLE) is (why_not is None)
        if why_not:
            assert (found.verdict, found.why) == (Verdict.REFUSED, why_not)


@pytest.mark.parametrize(
    ("past", "verdict"),
    [
        (None, Verdict.RESEND),
        (Results(3, 0, 0), Verdict.RESEND),
        (Results(3, 0, 1), Verdict.FAILS),
        (Results(3, 1, 9), Verdict.FAILS),
        (Results(3, 2, 8), Verdict.RESEND),
        (Results(3, 9, 0), Verdict.RESEND),
    ],
)
def test_a_group_that_failed_in_its_last_redrive_is_expected_to_fail_again(past, verdict):
    assert forecast(case(), Verb.RESEND, past).verdict is verdict


def test_the_evidence_names_the_redrive_and_its_results():
    why = forecast(case(Reason.FAILED), Verb.REISSUE, Results(12, 1, 13)).why
    assert why == "redrive 12 sent this group again, and 13 of 14 were not issued"


def test_an_allowed_letter_gets_the_verdict_of_its_verb():
    assert forecast(case(Reason.FAILED), Verb.REISSUE, None).verdict is Verdict.REISSUE
    assert forecast(case(Reason.PARTIAL), Verb.RESEND, None).verdict is Verdict.RESEND


@pytest.mark.parametrize(
    ("trial", "past", "better"),
    [
        ((0, 0), None, False),
        ((0, 5), None, False),
        ((5, 0), None, True),
        ((3, 2), None, True),
        ((2, 2), None, False),
        ((1, 9), (0, 50), True),
        ((1, 9), (5, 45), False),
        ((2, 8), (5, 45), True),
        ((5, 0), (50, 0), True),
        ((0, 5), (0, 50), False),
    ],
)
def test_a_trial_is_better_if_more_is_issued_than_before(trial, past, better):
    before = None if past is None else Results(3, *past)
    assert is_better(Results(4, *trial), before) is better
