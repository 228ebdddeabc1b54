"""Every failure to reach Redis raises the same exception."""

import pytest
from redis import exceptions

from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope
from limiter.unavailable import LimitsUnavailable, reach_redis


@pytest.mark.parametrize(
    "cause",
    [
        exceptions.ConnectionError("refused"),
        exceptions.TimeoutError("no reply"),
        exceptions.AuthenticationError("wrong password"),
        exceptions.ResponseError("OOM command not allowed"),
        OSError("network is unreachable"),
    ],
)
def test_every_failure_of_redis_raises_limits_unavailable_with_its_cause_and_the_remedy(cause):
    with (
        pytest.raises(
            LimitsUnavailable, match=r"check that the server .*ISSUANCE_REDIS_URL"
        ) as raised,
        reach_redis(),
    ):
        raise cause
    assert str(cause) in str(raised.value)
    assert raised.value.__cause__ is cause


def test_a_bug_is_not_reported_as_an_outage():
    with pytest.raises(KeyError), reach_redis():
        raise KeyError("a bug")


async def test_a_worker_whose_connection_is_lost_raises_it_too(redis, server):
    limiter = RateLimiter(redis, "till", rate_per_minute=60)
    await limiter.reserve(1, within_seconds=0, scope=Scope(7))
    server.connected = False
    with pytest.raises(LimitsUnavailable):
        await limiter.reserve(1, within_seconds=0, scope=Scope(7))
