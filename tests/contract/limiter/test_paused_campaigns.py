"""Every worker sees the campaigns that the console or another worker paused."""

import pytest

from limiter.paused_campaigns import PausedCampaigns
from limiter.sync_limiter import SyncLimiter


@pytest.fixture
def clock():
    """A clock that advances a second at each reading, so that every read reaches the server."""
    ticks = iter(range(1_000_000))
    return lambda: float(next(ticks))


async def test_no_campaign_is_paused_at_first(redis, account):
    assert await PausedCampaigns(redis, account).paused() == frozenset()


async def test_a_campaign_paused_by_one_worker_is_paused_for_another(clients, account, clock):
    one = PausedCampaigns(await clients.redis(), account)
    other = PausedCampaigns(await clients.redis(), account, clock)
    await one.pause(7)
    await one.pause(8)
    assert await other.paused() == {7, 8}
    await one.unpause(7)
    assert await other.paused() == {8}


async def test_the_console_pauses_and_unpauses_for_the_workers(clients, account, clock):
    console = SyncLimiter(clients.redis_sync(), account, rate_per_minute=60)
    campaigns = PausedCampaigns(await clients.redis(), account, clock)
    console.pause(7)
    assert (await campaigns.paused(), console.paused()) == ({7}, {7})
    console.unpause(7)
    console.unpause(7)
    assert await campaigns.paused() == frozenset()


@pytest.mark.parametrize("reward", ["1001", "ext:SKU-9", "ext:a:b c"])
async def test_one_reward_of_a_campaign_is_paused_and_unpaused(clients, account, clock, reward):
    console = SyncLimiter(clients.redis_sync(), account, rate_per_minute=60)
    campaigns = PausedCampaigns(await clients.redis(), account, clock)
    console.pause((7, reward))
    console.pause(8)
    assert await campaigns.paused() == console.paused() == {(7, reward), 8}
    await campaigns.unpause((7, reward))
    assert console.paused() == {8}
