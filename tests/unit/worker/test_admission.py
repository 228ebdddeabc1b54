"""The results that admission control reports to the limits, for calls and for reads."""

import json

import pytest

from issuance.outcome import Reason
from issuance.replies.reply import Answer
from issuance.retry import Reconcile, Settle
from issuance.states import State
from limiter.feedback_buffer import Verdict
from tests.contract.ledger.build import (
    LIMIT_CODE,
    NOT_SENT,
    TIMEOUT,
    TOO_MANY,
    issue,
    judge,
    refuse,
)
from tests.unit.worker.build import claimed
from worker.chunk.admission import describe_refusal, is_repeat, issue_result, read_result

HTML = b"<html>sorry, 919800000001</html>"
UNAUTHORISED = Answer(401, b"")


def result_of(reply, *, job=None, **options):
    return issue_result(judge(job or claimed(1), reply, **options))


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (refuse(), Verdict.ACCEPTED),
        (refuse(10004), Verdict.ACCEPTED),
        (Answer(521, refuse(521).body), Verdict.ACCEPTED),
        (TOO_MANY, Verdict.THROTTLED),
        (refuse(429), Verdict.THROTTLED),
        (UNAUTHORISED, Verdict.UNAUTHORISED),
        (refuse(401), Verdict.UNAUTHORISED),
        (Answer(521, HTML), Verdict.FAILED),
        (Answer(200, b""), Verdict.FAILED),
        (Answer(404, HTML), Verdict.FAILED),
        (TIMEOUT, Verdict.FAILED),
        (NOT_SENT, Verdict.FAILED),
    ],
)
def test_every_readable_reply_except_429_and_401_is_accepted(reply, verdict):
    assert result_of(reply).verdict is verdict


def test_an_issued_or_refused_job_is_settled_and_a_retried_one_is_not():
    job = claimed(1)
    assert result_of(issue(job), job=job).settled
    assert result_of(refuse()).settled
    assert not result_of(refuse(10004)).settled
    assert not result_of(TIMEOUT).settled
    assert not result_of(TOO_MANY).settled


def test_a_job_deferred_to_the_next_limit_window_counts_as_settled():
    assert result_of(refuse(LIMIT_CODE), defers_limits=True).settled


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"budget_attempts": 1}, True),
        ({"attempts": 1}, True),
        ({"attempts": 3, "redrives": 1}, False),
        ({"attempts": 3, "redrives": 1, "budget_attempts": 1}, True),
    ],
    ids=["new", "failed before", "throttled before", "redriven", "redriven and failed since"],
)
def test_a_second_attempt_is_a_repeat_and_the_first_after_a_redrive_is_not(changes, expected):
    job = claimed(1, **changes)
    assert is_repeat(job) is expected
    assert result_of(TIMEOUT, job=job).is_repeat is expected


def test_retry_after_is_passed_on_and_bounded():
    assert result_of(TOO_MANY).retry_after_seconds == 7.0
    assert result_of(Answer(503, b"", retry_after=1e9)).retry_after_seconds == 3_600
    assert result_of(TIMEOUT).retry_after_seconds == 0


def test_only_readable_replies_about_the_job_have_a_latency():
    assert result_of(refuse()).took_seconds == 0.04
    assert [
        result_of(reply).took_seconds
        for reply in (TIMEOUT, TOO_MANY, UNAUTHORISED, Answer(502, HTML))
    ] == [None] * 4


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (TIMEOUT, "timeout"),
        (NOT_SENT, "connect"),
        (Answer(502, HTML), "HTTP 502 without a readable body"),
        (TOO_MANY, "HTTP 429 without a readable body"),
        (Answer(429, refuse(429).body), "HTTP 429"),
        (refuse(401), "HTTP 200, code 401"),
    ],
)
def test_the_reason_summarises_the_reply_without_customer_data(reply, reason):
    assert describe_refusal(judge(claimed(1), reply)) == reason


def read_attempt(reply, decision):
    """Return the attempt that the reconciler makes of a reply to a read."""
    attempt = judge(claimed(1, fallback=State.IN_DOUBT), reply)
    object.__setattr__(attempt, "decision", decision)
    return attempt


def test_reads_settle_a_job_or_are_retried_and_report_no_latency():
    settled = read_result(read_attempt(issue(claimed(1)), Settle(State.ISSUED, None)))
    retried = read_result(read_attempt(TIMEOUT, Reconcile(30.0, State.IN_DOUBT)))
    assert (settled.verdict, settled.settled, settled.took_seconds) == (
        Verdict.ACCEPTED,
        True,
        None,
    )
    assert (retried.verdict, retried.settled, retried.reason) == (Verdict.FAILED, False, "timeout")


def test_reads_that_find_nothing_are_accepted():
    nothing = refuse(8003, "not there")
    result = read_result(read_attempt(nothing, Settle(State.IN_DOUBT, Reason.IN_DOUBT)))
    assert result.verdict is Verdict.ACCEPTED


def test_a_result_contains_nothing_of_the_body():
    body = json.dumps({"status": {"code": 401, "message": "919800000001"}}).encode()
    assert "9198" not in repr(result_of(Answer(401, body)))
