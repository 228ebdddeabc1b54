"""The speed of an account, from its recent calls and its limits."""

import pytest

from issuance.forecast.speed import Calls, Limits, Pace, estimate_speed


def test_an_account_at_its_rate_stays_there():
    speed = estimate_speed(Calls(1.0, [100] * 60), Limits(rate_per_minute=6_000))
    assert speed.pace is Pace.RATE
    assert speed.per_second == pytest.approx(100)


def test_few_calls_in_the_first_seconds_do_not_count():
    calls = Calls(1.0, [2, 5, 40, 100, 100, 100, 100])
    assert estimate_speed(calls, Limits()).per_second == pytest.approx(100)


def test_fewer_calls_than_the_rate_are_what_the_workers_make():
    speed = estimate_speed(Calls(1.0, [40] * 60), Limits(rate_per_minute=6_000))
    assert (speed.pace, speed.per_second) == (Pace.WORKERS, pytest.approx(40))


def test_under_an_adaptive_limit_only_the_calls_since_it_was_set_count():
    limits = Limits(6_000, adaptive_per_minute=3_000, adaptive_seconds=30)
    speed = estimate_speed(Calls(1.0, [100] * 60 + [50] * 30), limits)
    assert (speed.pace, speed.per_second) == (Pace.LIMIT, pytest.approx(50))


def test_a_limit_that_only_spreads_calls_after_a_suspension_does_not_count():
    limits = Limits(6_000, adaptive_per_minute=300, adaptive_seconds=1, recovers=True)
    assert estimate_speed(Calls(1.0, [100] * 60), limits).pace is Pace.RATE


def test_without_calls_the_rate_is_the_speed():
    speed = estimate_speed(Calls(1.0), Limits(rate_per_minute=6_000))
    assert speed.pace is Pace.UNKNOWN
    assert speed.per_second == pytest.approx(100, rel=0.05)


def test_without_calls_and_without_a_rate_the_speed_is_unknown():
    assert estimate_speed(Calls(1.0, [0] * 9), Limits()).per_second == 0


def test_a_suspension_does_not_lower_the_speed():
    calls = Calls(1.0, [100] * 30 + [0] * 20 + [1] * 10 + [100] * 30)
    assert estimate_speed(calls, Limits(6_000)).per_second == pytest.approx(100)


def test_the_seconds_of_a_suspension_that_lasts_do_not_count():
    limits = Limits(6_000, is_suspended=True, until_seconds=5, suspended_seconds=30)
    speed = estimate_speed(Calls(1.0, [100] * 30 + [0] * 30), limits)
    assert speed.per_second == pytest.approx(100)


def test_calls_that_ceased_although_there_is_work_lower_the_speed():
    calls = Calls(1.0, [100] * 30 + [1] * 30)
    assert estimate_speed(calls, Limits()).per_second < 60
    assert estimate_speed(calls, Limits(), has_work=False).per_second == pytest.approx(100)


def test_newer_calls_count_more():
    faster = estimate_speed(Calls(5.0, [20] * 60 + [100] * 60), Limits()).per_second
    assert 15 < faster < 20
