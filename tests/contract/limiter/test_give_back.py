"""Slots given back are granted again, and never to two calls."""

import pytest

from limiter.rate_limiter import RateLimiter
from tests.contract.limiter.build import ISSUING


@pytest.fixture
async def workers(clients, account) -> tuple[RateLimiter, RateLimiter]:
    one, other = await clients.redis(), await clients.redis()
    return RateLimiter(one, account, rate_per_minute=600), RateLimiter(
        other, account, rate_per_minute=600
    )


async def reserve(limiter: RateLimiter, count: int):
    return await limiter.reserve(count, within_seconds=1, scope=ISSUING)


async def test_slots_given_back_are_granted_again(workers):
    one, other = workers
    first = await reserve(one, 16)
    await one.give_back(first, 8)
    again = await reserve(other, 16)
    assert list(again.delays_seconds[:8]) == pytest.approx(first.delays_seconds[-8:], abs=0.3)


async def test_at_most_the_granted_slots_are_given_back(workers):
    one, _ = workers
    await reserve(one, 10)
    last = await reserve(one, 5)
    await one.give_back(last, 30)
    again = await reserve(one, 1)
    assert again.delays_seconds[0] == pytest.approx(last.delays_seconds[0], abs=0.3)


async def test_slots_with_later_ones_reserved_stay_unused(workers):
    one, other = workers
    early, late = await reserve(one, 8), await reserve(other, 5)
    await one.give_back(early, 8)
    following = await reserve(one, 1)
    assert following.delays_seconds[0] > late.delays_seconds[-1] - 0.3


async def test_workers_that_stop_in_reverse_order_give_everything_back(workers):
    one, other = workers
    early, late = await reserve(one, 8), await reserve(other, 5)
    await other.give_back(late, 5)
    await one.give_back(early, 8)
    assert (await reserve(one, 1)).delays_seconds == (0.0,)
