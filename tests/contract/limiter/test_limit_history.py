"""The last hour of an account's limits, for operators."""

import pytest

from limiter.customer_locks import CustomerLocks
from limiter.keys import sampled_key, samples_key
from limiter.rate_limiter import RateLimiter
from limiter.sync_limiter import SyncLimiter
from tests.contract.limiter.build import ACCEPTED, FAILED, OTHER, READS, call, suspend


@pytest.fixture
async def limiter(clients, account) -> RateLimiter:
    return RateLimiter(await clients.redis(), account, rate_per_minute=600)


@pytest.fixture
def console(clients, account) -> SyncLimiter:
    return SyncLimiter(clients.redis_sync(), account, rate_per_minute=600)


async def test_a_suspension_and_its_end_are_kept_with_the_cause(limiter, console, wait):
    await suspend(limiter, wait)
    await wait(3)
    await call(limiter, ACCEPTED)
    begun, ended = console.history.read().changes
    assert (begun.scope, begun.is_suspended) == ("account", True)
    assert begun.reason == "HTTP 502 without a readable body"
    assert (ended.scope, ended.is_suspended) == ("account", False)
    assert begun.at <= ended.at <= console.history.read().now


async def test_a_suspension_that_an_operator_ends_has_an_end(limiter, console, wait):
    await suspend(limiter, wait)
    console.resume()
    assert [change.is_suspended for change in console.history.read().changes] == [True, False]


async def test_reads_are_kept_apart(limiter, console, wait):
    for _ in range(2):
        reservation = await limiter.reserve(10, within_seconds=0, scope=READS)
        for _ in range(10):
            await limiter.report(reservation, FAILED)
        await limiter.flush(READS)
        await wait(1)
    assert [change.scope for change in console.history.read().changes] == ["reads"]


async def test_issuing_calls_are_counted_and_reads_are_not(limiter, console):
    await call(limiter, ACCEPTED, ACCEPTED)
    await call(limiter, FAILED, scope=OTHER)
    await call(limiter, ACCEPTED, scope=READS)
    assert console.state().calls == 3


async def test_the_time_of_the_newest_answer_is_known(limiter, console, wait):
    assert console.state().answered_seconds is None
    await call(limiter, ACCEPTED)
    await wait(7)
    assert console.state().answered_seconds == pytest.approx(7, abs=2)


async def test_a_sample_has_the_limits_and_only_one_process_takes_it(limiter, console):
    await call(limiter, ACCEPTED)
    for _ in range(2):
        console.history.keep(console.state())
    (sample,) = console.history.read().samples
    assert (sample.rate, sample.limit, sample.availability, sample.calls) == (
        600,
        0,
        "available",
        1,
    )


async def test_the_samples_of_more_than_an_hour_are_dropped(console, redis, account):
    for _ in range(450):
        console.history.keep(console.state())
        await redis.delete(sampled_key(account))
    assert await redis.xlen(samples_key(account)) <= 500


async def test_held_locks_are_counted_for_this_account_only(clients, console, account):
    assert console.held_locks().count == 0
    redis = await clients.redis()
    await CustomerLocks(redis, account).acquire("claim-1", ["a", "b"], 120)
    await CustomerLocks(redis, account).acquire("claim-2", ["c"], 60)
    await CustomerLocks(redis, f"{account}-other").acquire("claim-3", ["d"], 5)
    held = console.held_locks()
    assert (held.count, held.is_complete) == (3, True)
    assert held.least_left_seconds == pytest.approx(60, abs=5)
