"""An operator ends every suspension after removing the cause."""

import pytest

from limiter.keys import suspended_campaigns_key
from limiter.rate_limiter import RateLimiter
from limiter.sync_limiter import SyncLimiter
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    OTHER,
    READS,
    REFUSALS_SPREAD_SECONDS,
    UNAUTHORISED,
    call,
    repeated,
    suspend,
    with_retry_after,
)


@pytest.fixture
async def limiter(clients, account) -> RateLimiter:
    return RateLimiter(await clients.redis(), account, rate_per_minute=0)


@pytest.fixture
def console(clients, account) -> SyncLimiter:
    return SyncLimiter(clients.redis_sync(), account, rate_per_minute=0)


async def granted(limiter, scope):
    return len((await limiter.reserve(10, within_seconds=0, scope=scope)).delays_seconds)


async def test_every_suspension_ends_at_once_and_is_counted(limiter, console, wait, redis, account):
    await call(limiter, FAILED)
    await call(limiter, FAILED, scope=READS)
    await call(limiter, ACCEPTED, scope=OTHER)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(limiter, *[FAILED, repeated(FAILED)] * 50)
    await call(limiter, ACCEPTED, scope=OTHER)
    await call(limiter, *[FAILED] * 50, scope=READS)
    await call(limiter, UNAUTHORISED, scope=OTHER)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(limiter, *[with_retry_after(UNAUTHORISED, 3_000)] * 10, scope=OTHER)
    before = console.state()
    assert not any(
        each.is_available for each in (before.account, before.reads, *before.campaigns.values())
    )
    assert list(before.campaigns) == [ISSUING.campaign_id]
    assert console.resume() == 3
    after = console.state()
    assert (after.account.availability, after.reads.availability, after.campaigns) == (
        "available",
        "available",
        {},
    )
    assert not await redis.exists(suspended_campaigns_key(account))
    assert [await granted(limiter, scope) > 0 for scope in (ISSUING, OTHER, READS)] == [True] * 3


async def test_an_account_that_is_still_refused_is_suspended_again(limiter, console, wait):
    await suspend(limiter, wait, with_retry_after(UNAUTHORISED, 3_000))
    console.resume()
    await suspend(limiter, wait, UNAUTHORISED)
    assert not console.state().account.is_available


async def test_earlier_calls_do_not_count_against_an_account_that_was_resumed(
    limiter, console, wait
):
    old = await limiter.reserve(30, within_seconds=0, scope=ISSUING)
    await suspend(limiter, wait)
    console.resume()
    await limiter.report(old, with_retry_after(UNAUTHORISED, 3_000))
    await limiter.flush(ISSUING)
    assert console.state().account.refused == 0


async def test_without_a_suspension_nothing_ends(limiter, console):
    await call(limiter, ACCEPTED)
    assert console.resume() == 0
    assert (await limiter.state()).account.is_available
