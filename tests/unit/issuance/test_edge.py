"""A refusal by the edge: it waits until other calls show that it concerns one job."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from issuance.edge import EdgeVerdict, judge_edge
from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, Reason
from issuance.replies.classification import classify
from issuance.replies.reply import Answer, NoAnswer
from issuance.retry import History, Reconcile, RetryPolicy, Settle, TryAgain, decide
from issuance.states import State

POLICY = RetryPolicy(reconcile_delays_seconds=(1.0,))
PAGE = Answer(403, b"<html>", media_type="text/html")
REDIRECT = Answer(301, b"", redirected_to="api.example.com")
NO_TOKEN = NoAnswer("token", "refused: the token endpoint answered HTTP 404", sent=False)


def judged(reply, *, edge, attempts=1, in_doubt_before=False, policy=POLICY, age=0.0):
    outcome = classify((Line("r-a", 1001),), Variant.BULK, reply, resent=in_doubt_before)
    history = History(attempts, age, in_doubt_before, edge=edge)
    now = datetime(2026, 1, 7, tzinfo=UTC)
    return decide(outcome, history, policy, now=now, rng=Random(1))


def message(reply):
    return classify((Line("r-a", 1001),), Variant.BULK, reply, resent=False).message


@pytest.mark.parametrize("reply", [PAGE, REDIRECT, NO_TOKEN])
@pytest.mark.parametrize("in_doubt_before", [False, True])
def test_a_refusal_that_concerns_the_caller_counts_nothing_however_old_the_job(
    reply, in_doubt_before
):
    decision = judged(
        reply,
        edge=EdgeVerdict.CALLER,
        attempts=8,
        in_doubt_before=in_doubt_before,
        age=1e6,
    )
    assert isinstance(decision, TryAgain)
    assert (decision.counted, decision.because) == (False, "edge")


@pytest.mark.parametrize("reply", [PAGE, REDIRECT])
def test_a_refusal_of_one_job_among_answers_counts_and_then_settles_it(reply):
    again = judged(reply, edge=EdgeVerdict.UNCLEAR, attempts=2)
    assert isinstance(again, TryAgain)
    assert again.counted
    settled = judged(reply, edge=EdgeVerdict.JOB, attempts=6)
    assert settled == Settle(State.FAILED, Reason.UNPROCESSED)


def test_a_job_that_may_have_been_issued_is_looked_up_before_it_is_settled():
    decision = judged(PAGE, edge=EdgeVerdict.JOB, attempts=6, in_doubt_before=True)
    assert decision == Reconcile(1.0, State.IN_DOUBT)


def test_a_missing_token_is_an_ordinary_failure_once_other_calls_are_answered():
    decision = judged(NO_TOKEN, edge=EdgeVerdict.JOB, attempts=6)
    assert isinstance(decision, TryAgain)
    assert decision.because == "transient"


def test_a_retry_after_of_the_edge_is_waited_for():
    decision = judged(replace(PAGE, retry_after=100.0), edge=EdgeVerdict.CALLER)
    assert 100 <= decision.delay_seconds <= 102


@pytest.mark.parametrize(
    ("attempts", "calls", "answered", "verdict"),
    [
        (1, 0, True, EdgeVerdict.CALLER),
        (1, 1, False, EdgeVerdict.CALLER),
        (9, 59, False, EdgeVerdict.CALLER),
        (1, 1, True, EdgeVerdict.UNCLEAR),
        (5, 9, True, EdgeVerdict.UNCLEAR),
        (6, 9, True, EdgeVerdict.JOB),
    ],
)
def test_only_repeated_refusals_among_answers_concern_the_job(attempts, calls, answered, verdict):
    assert judge_edge(attempts, calls, 8, others_answered=answered) is verdict


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("calls", [60, 61, 10_000])
def test_after_many_calls_the_refusal_concerns_the_job_even_if_nothing_else_is_answered(
    calls, answered
):
    assert judge_edge(1, calls, 8, others_answered=answered) is EdgeVerdict.JOB


def test_a_smaller_budget_ends_earlier():
    assert judge_edge(2, 3, 2, others_answered=True) is EdgeVerdict.JOB


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (PAGE, "HTTP 403 text/html"),
        (Answer(404, b""), "HTTP 404 without a readable body"),
        (
            REDIRECT,
            "HTTP 301 to api.example.com (redirected to api.example.com: correct ISSUANCE_API_URL)",
        ),
        (Answer(302, b"", media_type="text/html"), "HTTP 302 text/html"),
    ],
)
def test_the_message_says_what_was_answered(reply, said):
    assert message(reply) == said


def test_a_redirect_leaves_nothing_in_doubt():
    outcome = classify((Line("r-a", 1001),), Variant.BULK, REDIRECT, resent=True)
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, Reason.UNPROCESSED)
