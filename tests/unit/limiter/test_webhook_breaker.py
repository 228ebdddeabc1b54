"""A webhook that fails is suspended for a growing time."""

from datetime import UTC, datetime

import pytest
from fakeredis import FakeRedis, FakeServer
from structlog.testing import capture_logs

from limiter.webhook_breaker import WebhookBreaker

URL = "https://hooks.test/very-secret"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def redis(server):
    return FakeRedis(server=server, decode_responses=True)


@pytest.fixture
def breaker(redis):
    return WebhookBreaker(redis, URL, clock=lambda: 1_700_000_000.0)


def _fail(breaker, times):
    for _ in range(times):
        breaker.note_failure("HTTP 500")


def test_three_failures_in_a_row_suspend_the_webhook(breaker):
    _fail(breaker, 2)
    assert breaker.suspension() is None
    with capture_logs() as logged:
        _fail(breaker, 1)
    found = breaker.suspension()
    assert 0 < found.seconds <= 10
    assert (found.failures, found.error) == (3, "HTTP 500")
    assert found.since == datetime.fromtimestamp(1_700_000_000, UTC)
    (event,) = logged
    assert (event["event"], event["seconds"]) == ("webhook_suspended", 10)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(3, 10), (4, 20), (5, 40), (8, 320), (9, 600), (40, 600)]
)
def test_each_further_failure_doubles_the_suspension_up_to_ten_minutes(breaker, failures, seconds):
    _fail(breaker, failures)
    assert seconds - 2 < breaker.suspension().seconds <= seconds


def test_after_a_success_three_failures_are_needed_again(breaker):
    _fail(breaker, 2)
    breaker.note_success()
    _fail(breaker, 2)
    assert breaker.suspension() is None


def test_a_success_ends_the_suspension_and_says_so(breaker):
    _fail(breaker, 4)
    with capture_logs() as logged:
        breaker.note_success()
        breaker.note_success()
    assert breaker.suspension() is None
    assert [(event["event"], event["failures"]) for event in logged] == [("webhook_available", 4)]


def test_another_url_has_a_state_of_its_own(breaker, redis):
    _fail(breaker, 3)
    assert WebhookBreaker(redis, "https://hooks.test/corrected").suspension() is None


def test_redis_does_not_hold_the_url(breaker, redis):
    _fail(breaker, 3)
    shown = str(
        {key: redis.type(key) for key in redis.scan_iter()} | redis.hgetall(breaker._failures)
    )
    assert "secret" not in shown
    assert "hooks" not in shown


@pytest.mark.parametrize("lives", [None, 10**6], ids=["no_end", "days"])
def test_a_suspension_that_another_client_made_for_too_long_is_none(breaker, redis, lives):
    redis.set(breaker._pause, "1", ex=lives)
    assert breaker.suspension() is None


@pytest.mark.parametrize("value", ["x", "", "-1", "9" * 400, "\u0661", "1e3"])
def test_values_of_another_client_are_bounded(breaker, redis, value):
    _fail(breaker, 3)
    redis.hset(breaker._failures, mapping={"failures": value, "since": value, "error": "e" * 9_000})
    found = breaker.suspension()
    assert (found.failures, found.since) == (3, None)
    assert len(found.error) == 200


def test_a_state_of_another_type_suspends_nothing_and_raises_nothing(breaker, redis):
    redis.set(breaker._failures, "x")
    _fail(breaker, 3)
    assert breaker.suspension() is None
    breaker.note_success()


def test_without_redis_the_webhook_is_available(breaker, server):
    _fail(breaker, 3)
    server.connected = False
    assert breaker.suspension() is None
    _fail(breaker, 1)
    breaker.note_success()
