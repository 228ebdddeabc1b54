"""How ledger and limits become the inputs of a forecast."""

import math
from datetime import UTC, datetime

import pytest

from issuance.forecast.work import Later, Span
from issuance.job import Lane
from issuance.retry import RetryPolicy
from issuance.states import CampaignState
from ledger.queries.open_work import OpenWork, WaitingJob
from ledger.queries.recent_calls import RecentCalls, SampledCall
from limiter.state import Availability, BreakerState, LimitState
from operations.forecast.inputs import group_later, make_inputs, make_spans

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)  # a Sunday, 08:30 in Kolkata
POLICY = RetryPolicy(reconcile_delays_seconds=(30.0, 120.0))


def work(**values):
    return OpenWork(
        **{
            "id": 1, "name": "spring", "state": CampaignState.RUNNING, "account": "default",
            "weight": 1, "per_minute": 0, "start_at": None, "window": None, "timezone": None,
            "open_lines": 100, "lines_per_job": 1.0, "started_seconds": 60.0,
        } | values
    )  # fmt: skip


def ms(instant):
    return int(instant.timestamp() * 1000)


def call(number=1, decision="settle issued", *, campaign=1, lane=Lane.BLAST):
    return SampledCall(campaign, lane, number, decision)


def inputs(found, calls=(), counts=(), **state):
    limits = LimitState(**{"rate_per_minute": 6_000, "rate_overridden": False} | state)
    recent = RecentCalls(1.0, list(counts), list(calls))
    return make_inputs([found], recent, limits, POLICY, now=NOW)


def test_jobs_to_go_are_lines_without_those_that_wait_or_are_held():
    later = [WaitingJob(30.0, 2, looks_up=False), WaitingJob(90.0, 2, looks_up=True)]
    found = work(open_lines=100, lines_per_job=2.0, later=later, more_later=5, held=3)
    campaign = inputs(found).campaigns["spring"]
    assert campaign.jobs == 50 - 2 - 5 - 3
    assert campaign.later == (Later(30.0, 1), Later(90.0, 1, looks_up=True), Later(90.0, 5))


def test_many_waiting_jobs_are_grouped_and_the_last_ones_are_exact():
    grouped = group_later([WaitingJob(float(second), 1, looks_up=False) for second in range(600)])
    assert sum(each.jobs for each in grouped) == 600
    assert len(grouped) < 100
    assert [each.seconds for each in grouped[-3:]] == [597.0, 598.0, 599.0]


def test_only_the_campaigns_own_calls_say_how_often_it_repeats():
    calls = [call()] * 90 + [call(decision="try again in 4.0 s (transient)")] * 10
    calls += [call(campaign=2, decision="try again in 9.0 s (transient)")] * 100
    repeats = inputs(work(), calls).campaigns["spring"].repeats
    assert repeats.first == pytest.approx(0.1, abs=0.01)
    assert repeats.first_seconds == 4.0
    assert repeats.look_up_seconds == (30.0, 120.0)


def test_a_wait_for_the_customers_limit_is_no_repeat():
    calls = [call(decision="try again in 50000.0 s (limit)")] * 50
    assert inputs(work(), calls).campaigns["spring"].repeats.first < 0.01


def test_calls_that_end_in_look_ups_are_counted():
    calls = [call()] * 90 + [call(decision="look up in 30.0 s")] * 10
    repeats = inputs(work(), calls).campaigns["spring"].repeats
    assert repeats.look_ups == pytest.approx(0.1, abs=0.01)


def test_background_calls_go_first():
    calls = [call()] * 75 + [call(campaign=9, lane=Lane.BACKGROUND)] * 25
    assert inputs(work(), calls, [20, 20]).ahead_per_second == pytest.approx(5.0)


def test_a_suspended_account_and_its_adaptive_limit_are_read():
    limits = inputs(
        work(),
        adaptive_limit_per_minute=600,
        adaptive_limit_seconds=9.0,
        adaptive_limit_reason="recovery",
        account=BreakerState(Availability.SUSPENDED, 12.0, 60.0, "code 429"),
    ).limits
    assert (limits.rate_per_minute, limits.adaptive_per_minute, limits.recovers) == (
        6_000, 600, True,
    )  # fmt: skip
    assert (limits.is_suspended, limits.until_seconds, limits.suspended_seconds) == (
        True, 12.0, 60.0,
    )  # fmt: skip


def test_a_campaign_without_a_window_may_always_call_from_its_start_on():
    assert list(make_spans(work(), NOW)) == [Span(0.0, math.inf)]
    later = work(start_at=ms(NOW.replace(hour=4)))
    assert list(make_spans(later, NOW)) == [Span(3_600.0, math.inf)]
    assert list(make_spans(work(start_at=ms(NOW) - 1), NOW)) == [Span(0.0, math.inf)]


def test_a_window_opens_and_closes_by_its_zone():
    daily = work(window="09:00-21:00", timezone="Asia/Kolkata")
    first, second, *_ = make_spans(daily, NOW)
    assert first == Span(1_800.0, 1_800.0 + 12 * 3_600)
    assert second.begin - first.begin == 86_400


def test_a_window_that_is_open_begins_now():
    first, *_ = make_spans(work(window="00:00-04:00", timezone="UTC"), NOW)
    assert first == Span(0.0, 3_600.0)
