"""The forecast of a campaign's end, and what limits it."""

import pytest

from issuance.forecast.calibration import outage_seconds
from issuance.forecast.causes import Cause, find_causes, weights
from issuance.forecast.forecast import estimate_account, forecast
from issuance.forecast.speed import Calls, Limits, Pace, Speed
from issuance.forecast.work import Campaign, Later, Span

FULL = Calls(1.0, [100] * 60)
RATE = Limits(rate_per_minute=6_000)
AT_RATE = Speed(100.0, Pace.RATE, 60.0)


def test_a_campaign_at_its_rate_ends_when_its_calls_are_made():
    found = forecast(Campaign(1, jobs=12_000), [], FULL, RATE)
    assert found.p10 <= found.p50 <= found.p90
    assert found.p50 == pytest.approx(120, rel=0.05)
    assert found.calls_end == pytest.approx(found.p50, rel=0.05)


def test_a_campaign_that_has_just_started_has_a_wider_range():
    own = Campaign(1, jobs=12_000)
    new, old = (forecast(own, [], FULL, RATE, own_seconds=each) for each in (2.0, 60.0))
    assert new.p90 - new.p10 > old.p90 - old.p10


def test_another_campaign_makes_it_later():
    own = Campaign(1, jobs=6_000)
    alone, shared = (forecast(own, others, FULL, RATE) for others in ([], [Campaign(2, 6_000)]))
    assert shared.p50 == pytest.approx(2 * alone.p50, rel=0.05)


def test_background_requests_go_first():
    own = Campaign(1, jobs=6_000)
    free = forecast(own, [], FULL, RATE)
    assert forecast(own, [], FULL, RATE, ahead_per_second=50).p50 == pytest.approx(
        2 * free.p50, rel=0.05
    )
    assert forecast(own, [], FULL, RATE, ahead_per_second=100) is None


def test_nothing_is_forecast_without_a_known_speed():
    assert forecast(Campaign(1, jobs=100), [], Calls(1.0), Limits()) is None


@pytest.mark.parametrize("seconds", [9, 65])
def test_nothing_is_forecast_if_the_times_may_end_before_the_work(seconds):
    assert forecast(Campaign(1, jobs=6_000, spans=(Span(0, seconds),)), [], FULL, RATE) is None


def test_jobs_that_only_wait_need_no_known_speed():
    found = forecast(Campaign(1, jobs=0, later=(Later(90.0, 2),)), [], Calls(1.0), Limits())
    assert found.p50 == pytest.approx(90, abs=5)


def test_a_suspension_widens_the_range():
    limits = Limits(6_000, is_suspended=True, until_seconds=12, suspended_seconds=60)
    found = forecast(Campaign(1, jobs=6_000), [], FULL, limits)
    assert found.speed.pace is Pace.SUSPENDED
    assert found.p10 > 55
    assert found.p90 > 60 + 5 * 60


@pytest.mark.parametrize(
    ("until", "lasted", "chance", "seconds"),
    [(12, 0, 0.5, 12), (12, 60, 0.5, 60), (12, 60, 0.9, 540), (12, 9_000, 0.9, 3_600)],
)
def test_a_suspension_that_has_lasted_is_expected_to_last(until, lasted, chance, seconds):
    assert outage_seconds(until, lasted, chance) == pytest.approx(seconds)


def test_calls_held_back_by_the_campaigns_own_rate_do_not_show_the_accounts_speed():
    own = Campaign(1, jobs=6_000, per_minute=600)
    calls = Calls(1.0, [10] * 60)
    assert estimate_account(own, [], calls, RATE).per_second == pytest.approx(100)
    assert forecast(own, [], calls, RATE).p50 == pytest.approx(600, rel=0.05)


def causes(campaign, others=(), limits=RATE, speed=AT_RATE, **more):
    return find_causes(campaign, others, limits, speed, **more)


def test_the_rate_limits_a_campaign_alone():
    assert causes(Campaign(1, jobs=9)) == [Cause.RATE]


def test_the_weight_limits_a_campaign_among_others():
    own, other = Campaign(1, jobs=9), Campaign(2, jobs=9, weight=3)
    assert causes(own, [other]) == [Cause.WEIGHT, Cause.RATE]
    assert weights(own, [other]) == (1, 4)


def test_campaigns_that_do_not_call_now_take_no_share():
    closed, idle = Campaign(2, jobs=9, spans=(Span(60, 90),)), Campaign(3, jobs=0)
    assert causes(Campaign(1, jobs=9), [closed, idle]) == [Cause.RATE]


def test_its_own_rate_limits_a_campaign_that_could_make_more_calls():
    own = Campaign(1, jobs=9, per_minute=600)
    assert causes(own, [Campaign(2, jobs=9)]) == [Cause.OWN_RATE]
    assert causes(own, [Campaign(2, jobs=9, weight=99)]) == [Cause.WEIGHT, Cause.RATE]
    assert causes(own, speed=Speed(0.0, Pace.UNKNOWN)) == [Cause.OWN_RATE]


def test_a_window_that_is_closed_is_the_only_cause():
    own = Campaign(1, jobs=9, spans=(Span(60, 90),))
    assert causes(own, limits=Limits(is_suspended=True)) == [Cause.WINDOW]


def test_a_suspension_is_the_only_cause():
    assert causes(Campaign(1, jobs=9), limits=Limits(is_suspended=True)) == [Cause.ACCOUNT]
    assert causes(Campaign(1, jobs=9), is_suspended=True) == [Cause.SUSPENDED]


def test_jobs_that_wait_for_their_next_try_are_a_cause():
    assert causes(Campaign(1, jobs=0, later=(Later(60.0, 3),))) == [Cause.RETRIES]


@pytest.mark.parametrize(
    ("pace", "limits", "expected"),
    [
        (Pace.LIMIT, RATE, [Cause.ADAPTIVE]),
        (Pace.WORKERS, RATE, [Cause.WORKERS]),
        (Pace.UNKNOWN, RATE, [Cause.RATE]),
        (Pace.UNKNOWN, Limits(), []),
    ],
)
def test_the_accounts_pace_is_a_cause(pace, limits, expected):
    assert causes(Campaign(1, jobs=9), limits=limits, speed=Speed(50.0, pace)) == expected
