"""Decisions on answers about the caller instead of the job, and on probes."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.outcome import Kind, LineOutcome, Outcome, Reason, Refusal
from issuance.retry import History, RetryPolicy, Settle, TryAgain, decide
from issuance.states import State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENT = RetryPolicy(total_seconds=1e9)
THROTTLED, UNAUTHORISED = Refusal.THROTTLED, Refusal.UNAUTHORISED


def refused(refusal, *, kind=Kind.DEFERRED, retry_after=None, readable=True):
    line = LineOutcome("r-a", kind, 0, "")
    reason = Reason.EXHAUSTED if kind is Kind.TRANSIENT else None
    return Outcome(
        kind, 0, "", (line,), reason, retry_after=retry_after, refusal=refusal, readable=readable
    )


def choose(result, history, policy=PATIENT, seed=1):
    return decide(result, history, policy, now=NOON, rng=Random(seed))


def past(attempts=1, age=0.0, **fields):
    return History(attempts, age, in_doubt_before=False, **fields)


@given(
    st.integers(0, 100_000),
    st.floats(0, 1e9),
    st.none() | st.floats(),
    st.booleans(),
    st.booleans(),
)
def test_a_429_is_always_retried_and_never_counted(attempts, age, retry_after, doubt, is_probe):
    history = History(attempts, age, in_doubt_before=doubt, is_probe=is_probe)
    decision = choose(refused(THROTTLED, retry_after=retry_after), history, RetryPolicy())
    assert isinstance(decision, TryAgain)
    assert (decision.counted, decision.because) == (False, "throttled")
    assert 1 <= decision.delay_seconds <= 1.25 * 3_600


def test_a_429_waits_longer_after_more_calls():
    delays = [
        choose(refused(THROTTLED), past(calls_before=calls)).delay_seconds for calls in (0, 1, 2)
    ]
    assert delays == sorted(delays)
    assert 2.5 <= delays[0] <= 5
    assert 10 <= delays[2] <= 20


def test_a_401_counts_as_an_attempt_and_waits_its_backoff():
    decision = choose(refused(UNAUTHORISED, retry_after=7.0), past(attempts=3))
    assert isinstance(decision, TryAgain)
    assert (decision.counted, decision.because) == (True, "unauthorised")
    assert 7 <= decision.delay_seconds <= 7 + PATIENT.base_seconds * 2**2


def test_a_401_that_used_up_its_budget_is_settled_as_failed():
    decision = choose(refused(UNAUTHORISED), past(attempts=PATIENT.max_attempts))
    assert decision == Settle(State.FAILED, Reason.EXHAUSTED)


PROBES = {
    "401": refused(UNAUTHORISED),
    "no readable answer": refused(None, kind=Kind.IN_DOUBT, readable=False),
    "not sent": refused(None, kind=Kind.TRANSIENT, readable=False),
}


@pytest.mark.parametrize("result", PROBES.values(), ids=PROBES)
@pytest.mark.parametrize("attempts", [1, 8, 1_000])
def test_a_failed_probe_of_a_suspended_account_never_counts_as_an_attempt(result, attempts):
    decision = choose(result, past(attempts, is_probe=True))
    assert isinstance(decision, TryAgain)
    assert (decision.counted, decision.because) == (False, "probe")


@pytest.mark.parametrize("result", PROBES.values(), ids=PROBES)
def test_the_same_answer_from_an_available_account_counts(result):
    assert choose(result, past()).counted


def test_a_readable_answer_to_a_probe_belongs_to_the_job():
    decision = choose(refused(None, kind=Kind.TRANSIENT), past(is_probe=True))
    assert (decision.counted, decision.because) == (True, "transient")


def test_a_probe_is_not_retried_for_longer_than_other_jobs():
    decision = choose(PROBES["401"], past(age=3_600, is_probe=True), RetryPolicy())
    assert decision == Settle(State.FAILED, Reason.EXHAUSTED)
