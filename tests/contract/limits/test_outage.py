"""Redis lost while a worker is at work: one exception, in bounded time, and no scar afterwards."""

import asyncio
import socket
from random import Random

import pytest

from issuance.retry import RetryPolicy
from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import Halts
from limiter.rate_limiter import AccountLimits
from limiter.redis_connection import connect, connect_sync
from limiter.sync_limiter import LimitsConsole
from limiter.unavailable import LimitsUnavailable


async def test_every_method_tells_the_same_when_the_server_stops_midway(mortal_valkey, account):
    url = mortal_valkey.connection_url
    async with connect(url) as redis:
        limits = AccountLimits(redis, account, rate_per_minute=600)
        locks, halts = CustomerLocks(redis, account), Halts(redis, account)
        reservation = await limits.reserve(1, within_seconds=0)
        await locks.acquire("claim-1", ["a"], 30)
        mortal_valkey.stop()
        for call in (
            limits.reserve(1, within_seconds=0),
            limits.give_back(reservation, 1),
            limits.note(reservation, answered=0, failed=1, policy=RetryPolicy(), rng=Random(1)),
            limits.close(5, "429"),
            limits.set_rate(10),
            limits.state(),
            limits.closed_seconds(),
            locks.acquire("claim-1", ["a"], 30),
            locks.release("claim-1", ["a"]),
            halts.halt(1),
            halts.lift(1),
            halts.halted(),
        ):
            with pytest.raises(LimitsUnavailable, match="ISSUANCE_REDIS_URL"):
                await asyncio.wait_for(call, 2)


def test_the_console_tells_the_same_without_a_server(mortal_valkey, account):
    with connect_sync(mortal_valkey.connection_url) as redis:
        console = LimitsConsole(redis, account, rate_per_minute=60)
        console.state()
        mortal_valkey.stop()
        for call in (
            console.state,
            lambda: console.set_rate(10),
            lambda: console.halt(1),
            lambda: console.lift(1),
        ):
            with pytest.raises(LimitsUnavailable, match="check that the server"):
                call()


async def test_a_server_that_came_back_empty_serves_on_by_the_setting(mortal_valkey, account):
    async with connect(mortal_valkey.connection_url) as redis:
        limits = AccountLimits(redis, account, rate_per_minute=60)
        await limits.set_rate(6000)
        await limits.close(30, "429")
        mortal_valkey.stop()
        mortal_valkey.start()
        assert (await limits.reserve(10, within_seconds=0)).delays_seconds == (0.0,)


async def test_halts_are_asked_again_at_once_after_an_outage(mortal_valkey, account):
    async with connect(mortal_valkey.connection_url) as redis:
        now = 0.0
        halts = Halts(redis, account, clock=lambda: now)
        assert await halts.halted() == frozenset()
        now = 1.0
        mortal_valkey.stop()
        with pytest.raises(LimitsUnavailable):
            await halts.halted()
        mortal_valkey.start()
        await halts.halt(7)
        assert await halts.halted() == {7}


async def test_a_server_that_takes_no_more_writes_is_out_of_reach(mortal_valkey, account):
    async with connect(mortal_valkey.connection_url) as redis:
        await redis.config_set("maxmemory", "1")
        with pytest.raises(LimitsUnavailable, match="accepts writes"):
            await CustomerLocks(redis, account).acquire("claim-1", ["a"], 30)


async def test_a_server_that_never_replies_is_given_up_within_the_timeout(account):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}?socket_timeout=0.2"
        async with connect(url) as redis:
            limits = AccountLimits(redis, account, rate_per_minute=600)
            with pytest.raises(LimitsUnavailable):
                await asyncio.wait_for(limits.reserve(1, within_seconds=0), 2)
