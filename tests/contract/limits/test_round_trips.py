"""What the limits cost a healthy worker, counted by a real server."""

from random import Random

import pytest

from issuance.retry import RetryPolicy
from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import Halts
from limiter.rate_limiter import AccountLimits
from limiter.redis_connection import connect


@pytest.fixture
async def redis(valkey):
    async with connect(valkey.connection_url) as client:
        yield client


@pytest.fixture
def commands(redis):
    """Count the commands that the server has run for clients, scripts' inner ones left out."""

    async def count() -> int:
        stats = await redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "smembers", "sadd"))

    return count


def healthy(limits, reservation):
    return limits.note(reservation, answered=50, failed=0, policy=RetryPolicy(), rng=Random(1))


async def test_a_healthy_group_of_calls_is_one_round_trip(redis, account, commands):
    limits = AccountLimits(redis, account, rate_per_minute=0)
    await limits.reserve(1, within_seconds=0)
    before = await commands()
    reservation = await limits.reserve(50, within_seconds=0)
    for _ in range(20):
        assert await healthy(limits, reservation) is None
    assert await commands() - before == 1


async def test_answers_are_noted_only_until_the_account_has_recovered(redis, account, commands):
    limits = AccountLimits(redis, account, rate_per_minute=0)
    reservation = await limits.reserve(50, within_seconds=0)
    await limits.note(reservation, answered=0, failed=1, policy=RetryPolicy(), rng=Random(1))
    before = await commands()
    for _ in range(20):
        await healthy(limits, reservation)
    assert await commands() - before == 1


async def test_an_account_with_a_ceiling_costs_no_more_round_trips(redis, account, commands):
    limits = AccountLimits(redis, account, rate_per_minute=6_000)
    reservation = await limits.reserve(50, within_seconds=0)
    await limits.note(reservation, answered=0, failed=9, policy=RetryPolicy(), rng=Random(1))
    await healthy(limits, await limits.reserve(1, within_seconds=1))
    assert (await limits.state()).ceiling_per_minute
    before = await commands()
    for _ in range(5):
        reservation = await limits.reserve(50, within_seconds=1)
        for _ in range(20):
            await healthy(limits, reservation)
    assert await commands() - before == 5


async def test_a_chunk_of_locks_is_one_round_trip(redis, account, commands):
    locks = CustomerLocks(redis, account)
    fingerprints = [f"customer-{number}" for number in range(200)]
    await locks.release("claim-1", fingerprints)
    await locks.acquire("claim-0", ["other"], 30)
    before = await commands()
    assert len(await locks.acquire("claim-1", fingerprints, 30)) == 200
    await locks.release("claim-1", fingerprints)
    assert await commands() - before == 2


async def test_asking_for_halts_before_each_call_is_hardly_a_round_trip(redis, account, commands):
    halts = Halts(redis, account, clock=lambda: 0.0)
    before = await commands()
    for _ in range(1000):
        await halts.halted()
    assert await commands() - before == 1
