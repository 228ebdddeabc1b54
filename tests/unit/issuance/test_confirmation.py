"""Replies that may hide what an earlier, lost attempt issued are reconciled by reading."""

import json
from datetime import UTC, datetime
from random import Random

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.reconciliation.fallback import fallback_reason, fallback_state
from issuance.replies.classification import classify
from issuance.replies.reply import Answer
from issuance.retry import History, Reconcile, RetryPolicy, Settle, decide, decide_reconciliation
from issuance.states import State

POLICY = RetryPolicy(max_attempts=4, reconcile_delays_seconds=(30.0,))
FIRST = History(1, 0.0, in_doubt_before=False)
AFTER_A_LOSS = History(2, 0.0, in_doubt_before=True)
LINE = Line("r-a", 1001, 2)


def choose(code, history, policy=POLICY, **element):
    status = {"code": code, "success": code == 200, "message": "says so"}
    body = {
        "status": status,
        "rewards": [{"status": status, "requestId": "r-a", "requestedQuantity": 2} | element],
    }
    reply = Answer(200, json.dumps(body).encode())
    outcome = classify((LINE,), Variant.BULK, reply, resent=history.in_doubt_before)
    return decide(outcome, history, policy, now=datetime(2026, 11, 23, tzinfo=UTC), rng=Random(1))


@pytest.mark.parametrize(
    ("code", "reason"), [(1014, Reason.FAILED), (12005, Reason.LIMIT), (98765, Reason.UNKNOWN_CODE)]
)
def test_a_refusal_after_a_lost_reply_is_reconciled_before_it_counts(code, reason):
    assert choose(code, AFTER_A_LOSS, quantity=0) == Reconcile(30.0, State.FAILED)
    assert choose(code, FIRST, quantity=0) == Settle(State.FAILED, reason)


def test_without_reconciliation_a_refusal_after_a_lost_reply_counts_at_once():
    assert choose(1014, AFTER_A_LOSS, RetryPolicy(), quantity=0) == Settle(
        State.FAILED, Reason.FAILED
    )


def test_a_gateways_refusal_after_a_lost_reply_stays_in_doubt_when_nothing_is_found():
    outcome = classify((LINE,), Variant.BULK, Answer(403, b""), resent=True)
    decision = decide(
        outcome, AFTER_A_LOSS, POLICY, now=datetime(2026, 11, 23, tzinfo=UTC), rng=Random(1)
    )
    assert decision == Reconcile(30.0, State.IN_DOUBT)


def test_a_partial_answer_after_a_lost_reply_is_reconciled():
    assert choose(8010, AFTER_A_LOSS, quantity=0) == Reconcile(30.0, State.PARTIAL)
    assert choose(8010, FIRST, quantity=1) == Settle(State.PARTIAL, Reason.PARTIAL)


def test_an_answer_with_more_units_than_requested_is_reconciled():
    assert choose(8010, FIRST, quantity=3) == Reconcile(30.0, State.PARTIAL)


def test_a_job_that_could_not_be_read_never_counts_as_refused():
    lines = (LineOutcome("r-a", Kind.TRANSIENT, 503, ""),)
    unreadable = Outcome(Kind.TRANSIENT, 503, "", lines, Reason.EXHAUSTED)
    history = History(POLICY.max_attempts * 2, 0.0, in_doubt_before=True)
    decision = decide_reconciliation(
        unreadable, history, POLICY, fallback=State.FAILED, rng=Random(1)
    )
    assert decision == Settle(State.IN_DOUBT, Reason.IN_DOUBT)


@pytest.mark.parametrize("kind", [Kind.PARTIAL, Kind.FAILED])
def test_a_read_that_finds_less_than_the_reply_reported_is_repeated(kind):
    found = Outcome(kind, 8010, "", (LineOutcome("r-a", kind, 8010, ""),), Reason.PARTIAL)
    policy = RetryPolicy(max_attempts=4, reconcile_delays_seconds=(30.0, 120.0))
    decision = decide_reconciliation(
        found, AFTER_A_LOSS, policy, fallback=State.ISSUED, rng=Random(1)
    )
    assert decision == Reconcile(120.0, State.ISSUED, found_nothing=True)


def test_a_read_that_misses_a_known_transaction_is_repeated_unless_everything_is_issued():
    policy = RetryPolicy(max_attempts=4, reconcile_delays_seconds=(30.0, 120.0))
    behind = History(2, 0.0, in_doubt_before=True, lags_behind=True)
    decisions = []
    for kind in (Kind.PARTIAL, Kind.ISSUED):
        found = Outcome(kind, 200, "", (LineOutcome("r-a", kind, 200, ""),))
        decisions.append(
            decide_reconciliation(found, behind, policy, fallback=State.IN_DOUBT, rng=Random(1))
        )
    assert decisions == [
        Reconcile(120.0, State.IN_DOUBT, found_nothing=True),
        Settle(State.ISSUED, None),
    ]


@pytest.mark.parametrize(
    ("code", "state"),
    [(200, State.ISSUED), (8010, State.PARTIAL), (12005, State.FAILED), (98765, State.FAILED)],
)
def test_a_line_that_no_read_finds_keeps_the_state_of_its_reply(code, state):
    assert fallback_state(code, "") is state


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (12005, Reason.LIMIT),
        (3004, Reason.CONFIG),
        (98765, Reason.UNKNOWN_CODE),
        (12035, Reason.FAILED),
    ],
)
def test_a_line_that_no_read_finds_keeps_the_reason_of_its_code(code, reason):
    assert fallback_reason(code, "") is reason


@pytest.mark.parametrize(
    "body",
    [b"", b'[{"status": {"code": 8010}}]', b'{"status": 7}', b'{"rewards": [', b'{"a": "\xff"}'],
)
def test_a_damaged_answer_with_status_400_leaves_its_job_in_doubt(body):
    outcome = classify((LINE,), Variant.BULK, Answer(400, body), resent=False)
    assert (outcome.kind, outcome.reason) == (Kind.IN_DOUBT, Reason.IN_DOUBT)


@pytest.mark.parametrize("body", [b"<html>Bad Request</html>", b'{"errors": [{"code": 400}]}'])
def test_a_gateways_400_is_a_refusal(body):
    assert classify((LINE,), Variant.BULK, Answer(400, body), resent=False).kind is Kind.FAILED
