"""Single notices are bounded for each campaign and reason."""

import pytest
from fakeredis import FakeRedis, FakeServer

from limiter.notice_allowance import SUMMARY_SECONDS, WINDOW_SECONDS, NoticeAllowance

FAILED, PARTIAL, OTHER = (1, "failed"), (1, "partial"), (2, "failed")
KEY = "issuance:notices:1:failed"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def redis(server):
    return FakeRedis(server=server, decode_responses=True)


@pytest.fixture
def allowance(redis):
    return NoticeAllowance(redis, 20)


def test_each_campaign_and_reason_has_an_allowance_of_its_own(allowance):
    wanted = {FAILED: 5, PARTIAL: 100, OTHER: 20}
    assert allowance.take(wanted) == {FAILED: 5, PARTIAL: 20, OTHER: 20}
    assert allowance.take(wanted) == {FAILED: 5, PARTIAL: 0, OTHER: 0}


def test_all_processes_share_it(allowance, redis):
    allowance.take({FAILED: 15})
    assert NoticeAllowance(redis, 20).take({FAILED: 15}) == {FAILED: 5}


def test_it_is_renewed_a_minute_after_its_first_use(allowance, redis):
    allowance.take({FAILED: 20})
    assert WINDOW_SECONDS - 2 < redis.ttl(KEY) <= WINDOW_SECONDS
    redis.expire(KEY, 10)
    allowance.take({FAILED: 1})
    assert redis.ttl(KEY) <= 10  # later use does not prolong it
    redis.delete(KEY)
    assert allowance.take({FAILED: 30}) == {FAILED: 20}


def test_none_may_be_allowed(redis):
    assert NoticeAllowance(redis, 0).take({FAILED: 5}) == {}
    assert redis.keys() == []


def test_a_value_of_another_client_takes_no_other_groups_notices(allowance, redis):
    redis.set(KEY, "not a number")
    assert allowance.take({FAILED: 5, OTHER: 5}) == {OTHER: 5}
    assert 0 < redis.ttl(KEY) <= WINDOW_SECONDS  # it goes away


@pytest.mark.parametrize("value", [10**15, -(10**15)])
def test_a_foreign_number_cannot_allow_more_than_the_setting(allowance, redis, value):
    redis.set(KEY, value)
    assert 0 <= allowance.take({FAILED: 500})[FAILED] <= 20


def test_without_redis_none_is_allowed_and_summaries_are(allowance, server):
    server.connected = False
    assert allowance.take({FAILED: 5}) == {}
    assert allowance.may_summarise()
    allowance.summarise_again()


def test_summaries_wait_for_each_other(allowance, redis):
    assert allowance.may_summarise()
    assert not allowance.may_summarise()
    allowance.summarise_again()
    assert allowance.may_summarise()
    assert SUMMARY_SECONDS - 2 < redis.ttl("issuance:notices:summarised") <= SUMMARY_SECONDS
