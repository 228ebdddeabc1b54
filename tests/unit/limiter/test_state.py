"""The state of the limits, as an operator sees it."""

import pytest

from limiter.state import Availability, BreakerState, LimitState

AVAILABLE = [0, 0, 0, "", 3, 2, 90_000_000]
SUSPENDED = [2_500_000, 1, 60_000_000, "HTTP 429", 0, 2, 90_000_000]
PROBING = [0, 1, 60_000_000, "HTTP 429", 0, 1, 60_000_000]


def read(rate=600, limit=0, *, account=AVAILABLE, reads=AVAILABLE, campaigns=()):
    reply = {
        "rate": rate,
        "rate_overridden": 0,
        "limit": limit,
        "limit_reason": "latency",
        "limit_for": 2_500_000,
        "unrelated_share": "0.25",
        "latency": 250_000,
        "account": account,
        "reads": reads,
        "campaigns": [breaker for _, breaker in campaigns],
        "calls": 12,
        "answered_for": 1_500_000,
    }
    return LimitState.read(reply, [number for number, _ in campaigns])


@pytest.mark.parametrize(
    ("rate", "limit", "allowed"), [(600, 0, 600), (600, 90, 90), (0, 90, 90), (0, 0, 0)]
)
def test_the_lower_of_rate_and_adaptive_limit_is_allowed(rate, limit, allowed):
    assert read(rate, limit).allowed_per_minute == allowed


def test_an_adaptive_limit_says_why_and_for_how_long():
    state = read(600, 90)
    assert (state.adaptive_limit_reason, state.adaptive_limit_seconds) == ("latency", 2.5)


def test_the_fields_of_an_absent_adaptive_limit_are_empty():
    state = read(600, 0)
    assert (state.adaptive_limit_reason, state.adaptive_limit_seconds, state.is_held_back) == (
        "",
        0.0,
        False,
    )


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (AVAILABLE, BreakerState(Availability.AVAILABLE, refused=3)),
        (SUSPENDED, BreakerState(Availability.SUSPENDED, 2.5, 60.0, "HTTP 429", 0, 2, 90.0)),
        (PROBING, BreakerState(Availability.PROBING, 0.0, 60.0, "HTTP 429", 0, 1, 60.0)),
    ],
    ids=["available", "suspended", "probing"],
)
def test_account_reads_and_campaigns_are_each_available_suspended_or_probing(reply, expected):
    state = read(account=reply, reads=reply, campaigns=[(7, reply)])
    assert (state.account, state.reads) == (expected, expected)
    assert state.campaigns == ({} if expected.is_available else {7: expected})


def test_calls_are_held_back_under_an_adaptive_limit_and_until_the_account_is_available():
    assert read(600, 90).is_held_back
    assert read(account=SUSPENDED).is_held_back
    assert read(account=PROBING).is_held_back


def test_suspended_reads_and_campaigns_hold_back_nothing_else():
    assert not read(reads=SUSPENDED, campaigns=[(7, SUSPENDED)]).is_held_back


def test_the_share_of_failures_that_fewer_calls_do_not_prevent_is_a_fraction():
    assert read().unrelated_share == 0.25
