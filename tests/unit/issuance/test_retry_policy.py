"""The bounds of the retry policy for any attempt and any answer."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.retry import RetryPolicy

seconds = st.floats(0.001, 1e6)
policies = st.builds(RetryPolicy, base_seconds=seconds, cap_seconds=seconds, total_seconds=seconds)
attempts = st.integers(0, 100_000)
seeds = st.integers()
LONGEST_RETRY_AFTER = 3_600.0


class Highest(Random):
    def uniform(self, a, b):
        return b


class Lowest(Random):
    def uniform(self, a, b):
        return a


@given(policies, attempts, seeds)
def test_a_backoff_is_never_above_the_cap(policy, attempt, seed):
    assert 0 <= policy.backoff_seconds(attempt, Random(seed)) <= policy.cap_seconds


@given(policies, attempts)
def test_the_longest_backoff_never_shrinks_with_more_attempts(policy, attempt):
    assert policy.backoff_seconds(attempt, Highest()) <= policy.backoff_seconds(
        attempt + 1, Highest()
    )


def test_the_longest_backoff_doubles_up_to_the_cap():
    policy = RetryPolicy(base_seconds=2, cap_seconds=60)
    assert [policy.backoff_seconds(n, Highest()) for n in (1, 2, 3, 4, 5, 6, 10_000)] == [
        2,
        4,
        8,
        16,
        32,
        60,
        60,
    ]


def test_the_backoff_has_full_jitter():
    assert RetryPolicy().backoff_seconds(5, Lowest()) == 0


@given(st.none() | st.floats(), st.integers(0, 10_000), seeds)
def test_a_wait_after_a_429_is_bounded_and_never_zero(retry_after, calls, seed):
    delay = RetryPolicy().throttled_seconds(retry_after, calls, Random(seed))
    assert 1 <= delay <= 1.25 * LONGEST_RETRY_AFTER


@given(st.floats(1, LONGEST_RETRY_AFTER), seeds)
def test_a_job_waits_for_the_retry_after_and_little_longer(retry_after, seed):
    delay = RetryPolicy().throttled_seconds(retry_after, 3, Random(seed))
    assert retry_after <= delay <= 1.25 * retry_after


def test_jobs_refused_at_the_same_time_return_at_different_times():
    delays = [RetryPolicy().throttled_seconds(60, 0, Random(seed)) for seed in range(100)]
    assert max(delays) - min(delays) > 10


@pytest.mark.parametrize(
    ("asked", "waited"), [(0, 1), (-5, 1), (math.nan, 1), (math.inf, 3_600), (1e9, 3_600)]
)
def test_an_absurd_retry_after_is_bounded(asked, waited):
    assert RetryPolicy().throttled_seconds(asked, 0, Lowest()) == waited


def test_without_retry_after_waits_double_up_to_their_cap_with_half_jitter():
    policy = RetryPolicy()
    calls = (0, 1, 2, 5, 6, 10_000)
    assert [policy.throttled_seconds(None, n, Highest()) for n in calls] == [
        5,
        10,
        20,
        160,
        300,
        300,
    ]
    assert [policy.throttled_seconds(None, n, Lowest()) for n in (0, 1, 10_000)] == [2.5, 5, 150]
