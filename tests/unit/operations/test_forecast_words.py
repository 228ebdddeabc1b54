"""What limits a campaign, in words."""

from datetime import timedelta

import pytest

from issuance.forecast.causes import Cause
from issuance.forecast.speed import Pace, Speed
from issuance.forecast.work import Campaign, Later
from issuance.states import CampaignState
from ledger.queries.open_work import Act
from limiter.state import Availability, BreakerState, LimitState
from operations.forecast.inputs import make_spans
from operations.forecast.words import Situation, held_text
from tests.unit.operations.test_forecast_inputs import NOW, ms, work


def say(*causes, found=None, others=(), later=(), **state):
    found = found or work()
    campaign = Campaign(1, 100, found.weight, later=later, spans=tuple(make_spans(found, NOW)))
    limits = LimitState(**{"rate_per_minute": 6_000, "rate_overridden": False} | state)
    speed = Speed(40.0, Pace.WORKERS)
    return Situation(found, campaign, others, speed, limits, NOW).say(causes)


def suspended(seconds=12.0, reason="code 429", availability=Availability.SUSPENDED):
    return BreakerState(availability, seconds, 60.0, reason)


def test_rates_and_weights_are_named_together():
    others = [Campaign(2, 100, weight=3)]
    assert say(Cause.WEIGHT, Cause.RATE, others=others) == (
        "weight 1 of 4, the account's rate 6,000/min"
    )
    assert say(Cause.OWN_RATE, found=work(per_minute=600)) == "rate 600/min"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("throttled", "adaptive limit 150/min: 429s"),
        ("latency", "adaptive limit 150/min: slow answers"),
        ("", "adaptive limit 150/min"),
    ],
)
def test_an_adaptive_limit_is_named_with_its_reason(reason, expected):
    state = {"adaptive_limit_per_minute": 150, "adaptive_limit_reason": reason}
    assert say(Cause.ADAPTIVE, **state) == expected


def test_a_suspended_account_is_named_with_its_reason():
    assert say(Cause.ACCOUNT, account=suspended()) == "account suspended for 12 s: code 429"
    probing = suspended(0.0, "", Availability.PROBING)
    assert say(Cause.ACCOUNT, account=probing) == "account tried with single calls"


def test_a_suspended_campaign_is_named_with_its_reason():
    assert say(Cause.SUSPENDED, campaigns={1: suspended(5.0)}) == (
        "campaign suspended for 5 s: code 429"
    )


def test_a_closed_window_says_when_it_opens_in_its_zone():
    monday = work(window="mon-fri 09:00-21:00", timezone="Asia/Kolkata")
    assert say(Cause.WINDOW, found=monday) == "window opens mon 09:00"


def test_a_campaign_that_is_scheduled_says_when_it_starts():
    start = ms(NOW + timedelta(hours=14))
    later = work(start_at=start, timezone="Asia/Kolkata")
    assert say(Cause.WINDOW, found=later) == "starts 2026-11-29 22:30 Asia/Kolkata, in 14 h"


def test_a_canary_is_named_while_calls_are_made():
    canary = work(is_canary=True)
    assert say(Cause.RATE, found=canary) == (
        "its canary is sent first, the account's rate 6,000/min"
    )
    assert say(Cause.ACCOUNT, found=canary, account=suspended()).startswith("account suspended")


def test_retries_say_when_the_first_is_due():
    later = (Later(90.0, 1), Later(20.0, 4))
    assert say(Cause.RETRIES, later=later) == "waits for its next tries, the first in 20 s"


def test_workers_say_how_many_calls_they_make():
    assert say(Cause.WORKERS, call_seconds=2.13) == (
        "the workers make 40 calls a second of 100 allowed, answers take 2.1 s"
    )
    assert say(Cause.WORKERS, rate_per_minute=0) == "the workers make 40 calls a second"


def held(state, act=None, stop=None):
    return held_text(work(state=state), act, stop, NOW)


def test_a_pause_says_who_made_it_when_and_why():
    act = Act("ann", ms(NOW - timedelta(minutes=12)), "wrong reward id")
    assert held(CampaignState.PAUSED, act) == "paused by ann 12 min ago: wrong reward id"
    assert held(CampaignState.CANCELLED, act) == "cancelled by ann 12 min ago: wrong reward id"
    assert held(CampaignState.PAUSED) == "paused"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (("stop_loss", "9999"), "stopped: the stop-loss, reward 9999"),
        (("stop_loss", "ext:gold"), "stopped: the stop-loss, reward gold"),
        (("canary", None), "stopped: the canary failed"),
        (("budget", None), "budget used up"),
        (None, "stopped"),
    ],
)
def test_a_stop_says_its_cause(stop, expected):
    assert held(CampaignState.STOPPED, stop=stop) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CampaignState.DRAFT, "a draft: it is not submitted"),
        (CampaignState.AWAITING_APPROVAL, "waits for approval"),
        (CampaignState.SCHEDULED, ""),
        (CampaignState.RUNNING, ""),
    ],
)
def test_a_campaign_that_has_not_started_says_what_it_waits_for(state, expected):
    assert held(state) == expected
