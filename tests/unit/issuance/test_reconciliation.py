"""Jobs that a resend cannot settle: when they are reconciled, how often, and with what result."""

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.replies.classification import classify
from issuance.replies.reply import Answer
from issuance.retry import History, Reconcile, RetryPolicy, Settle, decide, decide_reconciliation
from issuance.states import State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = RetryPolicy(reconcile_delays_seconds=(30.0, 120.0, 600.0), max_attempts=4)
LINE = Line("r-a", 1001, 2)


def outcome(kind, reason=None, **fields):
    return Outcome(kind, 0, "", (LineOutcome("r-a", kind, 0, "", reason),), reason, **fields)


def choose(result, history=None, policy=POLICY):
    return decide(
        result, history or History(1, 0.0, in_doubt_before=False), policy, now=NOON, rng=Random(1)
    )


def look(result, fallback=State.IN_DOUBT, *, attempts=5, empty_reads=0):
    history = History(attempts, 0.0, in_doubt_before=True, empty_reads=empty_reads)
    return decide_reconciliation(result, history, POLICY, fallback=fallback, rng=Random(1))


def answer(code=200, **fields):
    body = {
        "status": {"code": code, "success": True},
        "rewards": [{"status": {"code": code}, "requestId": "r-a"} | fields],
    }
    return Answer(200, json.dumps(body).encode())


def test_doubt_that_a_resend_cannot_settle_is_reconciled_at_once():
    assert choose(outcome(Kind.IN_DOUBT, retry_is_conclusive=False)) == Reconcile(
        30.0, State.IN_DOUBT
    )


def test_doubt_is_reconciled_when_the_retry_budget_is_used_up():
    assert choose(outcome(Kind.IN_DOUBT), History(4, 0.0, in_doubt_before=True)) == Reconcile(
        30.0, State.IN_DOUBT
    )


def test_a_transient_refusal_after_doubt_is_reconciled_when_the_budget_is_used_up():
    past = History(4, 0.0, in_doubt_before=True)
    assert choose(outcome(Kind.TRANSIENT, Reason.EXHAUSTED), past) == Reconcile(
        30.0, State.IN_DOUBT
    )


def test_without_reconciliation_delays_doubt_is_settled_as_doubt():
    decision = choose(outcome(Kind.IN_DOUBT, retry_is_conclusive=False), policy=RetryPolicy())
    assert decision == Settle(State.IN_DOUBT, Reason.IN_DOUBT)


def test_a_repeated_success_without_vouchers_is_reconciled_to_find_them():
    result = classify((LINE,), Variant.BULK, answer(quantity=2, requestedQuantity=2), resent=True)
    assert choose(result) == Reconcile(30.0, State.ISSUED)


def test_a_first_success_without_vouchers_is_final():
    result = classify((LINE,), Variant.BULK, answer(quantity=2, requestedQuantity=2), resent=False)
    assert choose(result) == Settle(State.ISSUED, None)


def test_a_repeated_success_with_its_vouchers_is_final():
    shown = answer(quantity=2, requestedQuantity=2, intouch=[{"couponCode": "C1"}])
    assert choose(classify((LINE,), Variant.BULK, shown, resent=True)) == Settle(State.ISSUED, None)


@pytest.mark.parametrize("quantity", [0, 1])
def test_a_repeated_success_that_may_count_only_the_rest_is_reconciled(quantity):
    result = classify(
        (LINE,), Variant.BULK, answer(quantity=quantity, requestedQuantity=2), resent=True
    )
    assert choose(result) == Reconcile(30.0, State.IN_DOUBT)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (outcome(Kind.ISSUED), Settle(State.ISSUED, None)),
        (outcome(Kind.PARTIAL, Reason.PARTIAL), Settle(State.PARTIAL, Reason.PARTIAL)),
        (outcome(Kind.FAILED, Reason.FAILED), Settle(State.FAILED, Reason.FAILED)),
    ],
)
def test_what_a_read_finds_settles_the_job(found, expected):
    assert look(found) == expected


@pytest.mark.parametrize(("empty_reads", "delay"), [(0, 120.0), (1, 600.0)])
def test_a_read_that_finds_nothing_is_repeated_after_the_next_delay(empty_reads, delay):
    decision = look(outcome(Kind.IN_DOUBT), empty_reads=empty_reads)
    assert decision == Reconcile(delay, State.IN_DOUBT, found_nothing=True)


@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        (State.IN_DOUBT, Settle(State.IN_DOUBT, Reason.IN_DOUBT)),
        (State.ISSUED, Settle(State.ISSUED, None, uses_fallback=True)),
        (State.PARTIAL, Settle(State.PARTIAL, Reason.PARTIAL, uses_fallback=True)),
        (State.FAILED, Settle(State.FAILED, Reason.FAILED, uses_fallback=True)),
    ],
)
def test_after_the_last_delay_the_job_is_settled_as_its_fallback(fallback, expected):
    assert look(outcome(Kind.IN_DOUBT), fallback, empty_reads=2) == expected


def test_a_failure_found_for_a_job_reported_as_issued_stays_in_doubt():
    decision = look(outcome(Kind.FAILED, Reason.FAILED), State.ISSUED, empty_reads=2)
    assert decision == Settle(State.IN_DOUBT, Reason.IN_DOUBT)


@given(st.sampled_from(State), st.integers(1, 7), st.integers(0, 3))
def test_a_failed_read_is_repeated_with_backoff(fallback, attempts, empty_reads):
    decision = look(outcome(Kind.TRANSIENT), fallback, attempts=attempts, empty_reads=empty_reads)
    assert isinstance(decision, Reconcile)
    assert not decision.found_nothing
    assert decision.fallback is fallback
    assert 0 <= decision.delay_seconds <= POLICY.cap_seconds


def test_reads_that_always_fail_end_in_doubt():
    assert look(outcome(Kind.TRANSIENT), attempts=8) == Settle(State.IN_DOUBT, Reason.IN_DOUBT)
