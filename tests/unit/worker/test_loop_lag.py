"""How late the event loop is, as a process measures it."""

import asyncio
import time
from dataclasses import replace

import pytest

from worker.loop_lag import LoopLag

BLOCKED_SECONDS = 0.2


@pytest.fixture
async def lag() -> LoopLag:
    measured = LoopLag()
    measured.start(asyncio.get_running_loop())
    return measured


async def test_a_loop_that_was_blocked_is_late_by_about_as_long(lag):
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  # this is what blocks it
    await asyncio.sleep(0.01)
    assert BLOCKED_SECONDS / 2 <= lag.seconds <= 10 * BLOCKED_SECONDS


async def test_the_lag_of_before_fades_while_the_loop_is_on_time(lag):
    lag.seconds = 8.0
    async with asyncio.timeout(10):
        while lag.seconds > 1.0:  # noqa: ASYNC110  # the event is the tick
            await asyncio.sleep(0.02)


def test_before_it_is_started_nothing_is_late():
    assert LoopLag().seconds == 0


def test_a_worker_process_measures_its_own_loop(services):
    del services.__dict__["limits"]
    services.base = replace(
        services.base, site=replace(services.base.site, redis_url="redis://127.0.0.1:1/0")
    )
    lag = services.limits.loop_lag

    async def block() -> float:
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  # this is what blocks it
        await asyncio.sleep(0.01)
        return lag.seconds

    assert services.start(block()).result(5) >= BLOCKED_SECONDS / 2
