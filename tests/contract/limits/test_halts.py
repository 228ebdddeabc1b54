"""Halted campaigns, told from the console or a worker to every worker."""

import pytest

from limiter.paused_campaigns import Halts
from limiter.sync_limiter import LimitsConsole


@pytest.fixture
def clock():
    """A clock that is late by a second each time, so that every question is asked anew."""
    ticks = iter(range(1_000_000))
    return lambda: float(next(ticks))


async def test_no_campaign_is_halted_at_first(redis, account):
    assert await Halts(redis, account).halted() == frozenset()


async def test_a_campaign_halted_by_one_worker_is_halted_for_another(clients, account, clock):
    one, other = Halts(await clients.redis(), account), Halts(await clients.redis(), account, clock)
    await one.halt(7)
    await one.halt(8)
    assert await other.halted() == {7, 8}
    await one.lift(7)
    assert await other.halted() == {8}


async def test_the_console_halts_and_lifts_for_the_workers(clients, account, clock):
    console = LimitsConsole(clients.redis_sync(), account, rate_per_minute=60)
    halts = Halts(await clients.redis(), account, clock)
    console.halt(7)
    assert await halts.halted() == {7}
    console.lift(7)
    console.lift(7)
    assert await halts.halted() == frozenset()
