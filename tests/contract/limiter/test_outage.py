"""When Redis is lost, every method raises the same error in bounded time, and recovers."""

import asyncio
import socket

import pytest

from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect, connect_sync
from limiter.sync_limiter import SyncLimiter
from limiter.unavailable import LimitsUnavailable
from tests.contract.limiter.build import FAILED, ISSUING


async def test_every_method_raises_the_same_error_when_the_server_stops(stoppable_valkey, account):
    async with connect(stoppable_valkey.connection_url) as redis:
        limiter = RateLimiter(redis, account, rate_per_minute=600, clock=lambda: 0.0)
        locks, campaigns = CustomerLocks(redis, account), PausedCampaigns(redis, account)
        reservation = await limiter.reserve(1, within_seconds=0, scope=ISSUING)
        await limiter.report(reservation, FAILED)  # buffered, so that there is something to flush
        await locks.acquire("claim-1", ["a"], 30)
        stoppable_valkey.stop()
        for call in (
            limiter.flush(ISSUING),
            limiter.reserve(1, within_seconds=0, scope=ISSUING),
            limiter.give_back(reservation, 1),
            limiter.set_rate(10),
            limiter.state(),
            locks.acquire("claim-1", ["a"], 30),
            locks.release("claim-1", ["a"]),
            campaigns.pause(1),
            campaigns.unpause(1),
            campaigns.paused(),
        ):
            with pytest.raises(LimitsUnavailable, match="ISSUANCE_REDIS_URL"):
                await asyncio.wait_for(call, 2)


def test_the_console_raises_the_same_error_without_a_server(stoppable_valkey, account):
    with connect_sync(stoppable_valkey.connection_url) as redis:
        console = SyncLimiter(redis, account, rate_per_minute=60)
        console.state()
        stoppable_valkey.stop()
        for call in (
            console.state,
            console.resume,
            console.paused,
            lambda: console.set_rate(10),
            lambda: console.pause(1),
            lambda: console.unpause(1),
        ):
            with pytest.raises(LimitsUnavailable, match="check that the server"):
                call()


async def test_a_server_that_restarted_empty_uses_the_rate_of_the_setting(
    stoppable_valkey, account
):
    async with connect(stoppable_valkey.connection_url) as redis:
        limiter = RateLimiter(redis, account, rate_per_minute=60)
        await limiter.set_rate(6000)
        reservation = await limiter.reserve(1, within_seconds=0, scope=ISSUING)
        await limiter.report(reservation, FAILED)
        stoppable_valkey.stop()
        stoppable_valkey.start()
        assert (await limiter.reserve(10, within_seconds=0, scope=ISSUING)).delays_seconds == (0.0,)


async def test_paused_campaigns_are_read_again_at_once_after_an_outage(stoppable_valkey, account):
    async with connect(stoppable_valkey.connection_url) as redis:
        now = 0.0
        campaigns = PausedCampaigns(redis, account, clock=lambda: now)
        assert await campaigns.paused() == frozenset()
        now = 1.0
        stoppable_valkey.stop()
        with pytest.raises(LimitsUnavailable):
            await campaigns.paused()
        stoppable_valkey.start()
        await campaigns.pause(7)
        assert await campaigns.paused() == {7}


async def test_a_server_that_refuses_writes_is_out_of_reach(stoppable_valkey, account):
    async with connect(stoppable_valkey.connection_url) as redis:
        await redis.config_set("maxmemory", "1")
        with pytest.raises(LimitsUnavailable, match="accepts writes"):
            await CustomerLocks(redis, account).acquire("claim-1", ["a"], 30)


async def test_a_server_that_never_replies_fails_within_the_timeout(account):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}?socket_timeout=0.2"
        async with connect(url) as redis:
            limiter = RateLimiter(redis, account, rate_per_minute=600)
            with pytest.raises(LimitsUnavailable):
                await asyncio.wait_for(limiter.reserve(1, within_seconds=0, scope=ISSUING), 2)
