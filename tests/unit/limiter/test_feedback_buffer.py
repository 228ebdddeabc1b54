"""Unreported results: summed per grant, and taken oldest first."""

from dataclasses import replace

import pytest

from limiter.feedback_buffer import CallResult, Feedback, FeedbackBuffer, Verdict
from limiter.reservation import Grant
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    OTHER,
    THROTTLED,
    UNAUTHORISED,
    repeated,
    with_retry_after,
)

GRANT = Grant(ISSUING, epoch=3)
TIMED = replace(ACCEPTED, took_seconds=0.25)


def sums(*results: CallResult) -> Feedback:
    feedback = Feedback()
    for result in results:
        feedback.add(result)
    return feedback


def test_each_verdict_is_counted_by_itself():
    feedback = sums(ACCEPTED, ACCEPTED, ACCEPTED, THROTTLED, UNAUTHORISED, UNAUTHORISED, FAILED)
    counts = (feedback.accepted, feedback.throttled, feedback.unauthorised, feedback.failed)
    assert (counts, feedback.calls) == ((3, 1, 2, 1), 7)


@pytest.mark.parametrize(
    ("result", "weight"), [(FAILED, 1), (THROTTLED, 2), (UNAUTHORISED, 4), (ACCEPTED, 0)]
)
def test_a_refused_call_weighs_more_when_the_job_is_a_less_likely_cause(result, weight):
    assert sums(result, result).evidence == 2 * weight


@pytest.mark.parametrize("result", [FAILED, THROTTLED, UNAUTHORISED])
def test_a_refused_repeat_weighs_nothing(result):
    feedback = sums(repeated(result))
    assert (feedback.evidence, feedback.fresh_failed) == (0, 0)


def test_fresh_failures_are_failed_calls_of_new_jobs_without_429s():
    assert sums(FAILED, repeated(FAILED), UNAUTHORISED, THROTTLED, ACCEPTED).fresh_failed == 2


def test_unsettled_jobs_are_counted_as_new_or_repeated_and_429s_not_at_all():
    unsettled = replace(ACCEPTED, settled=False)
    feedback = sums(ACCEPTED, FAILED, unsettled, repeated(FAILED), THROTTLED, repeated(ACCEPTED))
    assert (feedback.settled, feedback.settled_repeats) == (2, 1)
    assert (feedback.unsettled, feedback.unsettled_repeats) == (2, 1)


def test_accepted_and_refused_calls_of_jobs_that_failed_before_are_counted_separately():
    feedback = sums(
        ACCEPTED, repeated(ACCEPTED), FAILED, repeated(THROTTLED), repeated(UNAUTHORISED)
    )
    assert (feedback.accepted, feedback.accepted_repeats, feedback.refused_repeats) == (2, 1, 2)


def test_latencies_are_summed_in_microseconds_with_the_fastest_and_only_where_measured():
    feedback = sums(TIMED, replace(TIMED, took_seconds=0.5), ACCEPTED)
    assert (feedback.timed, feedback.took, feedback.fastest) == (2, 750_000, 250_000)


def test_the_shortest_retry_after_counts_and_is_at_least_a_second():
    assert (
        sums(with_retry_after(THROTTLED, 30), with_retry_after(THROTTLED, 7), THROTTLED).retry_after
        == 7_000_000
    )
    assert sums(with_retry_after(THROTTLED, 0.1)).retry_after == 1_000_000


def test_the_newest_reason_is_kept():
    assert sums(FAILED, THROTTLED, ACCEPTED).reason == THROTTLED.reason


def test_a_retry_after_of_an_accepted_call_does_not_affect_the_account():
    assert sums(with_retry_after(ACCEPTED, 30)).retry_after == 0


@pytest.mark.parametrize(
    ("results", "expected"), [([ACCEPTED], False), ([ACCEPTED, THROTTLED], True), ([], False)]
)
def test_refusals_among_the_results_are_known(results, expected):
    buffer = FeedbackBuffer()
    for result in results:
        buffer.add(GRANT, result)
    assert buffer.has_refusals() is expected


def test_results_are_taken_once_per_grant_oldest_first():
    buffer, newer = FeedbackBuffer(), GRANT._replace(epoch=4)
    for grant in (GRANT, newer, GRANT):
        buffer.add(grant, ACCEPTED)
    buffer.add(newer, FAILED)
    assert buffer.take(ISSUING) == (GRANT, sums(ACCEPTED, ACCEPTED))
    assert buffer.take(ISSUING) == (newer, sums(ACCEPTED, FAILED))
    assert buffer.take(ISSUING) is None


def test_a_scope_takes_only_its_own_results():
    buffer, other = FeedbackBuffer(), Grant(OTHER)
    buffer.add(GRANT, ACCEPTED)
    buffer.add(other, FAILED)
    assert buffer.take(OTHER) == (other, sums(FAILED))
    assert list(buffer.take_all()) == [(GRANT, sums(ACCEPTED))]
    assert list(buffer.take_all()) == []


def test_every_verdict_but_accepted_can_suspend_an_account():
    assert [sums(CallResult(verdict)).evidence > 0 for verdict in Verdict] == [
        False,
        True,
        True,
        True,
    ]
