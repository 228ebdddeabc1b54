"""The lag of the event loop, as a process measures it."""

import asyncio
import time

import pytest

from worker.loop_lag import LoopLag

BLOCKED_SECONDS = 0.2


@pytest.fixture
async def lag() -> LoopLag:
    measured = LoopLag()
    measured.start(asyncio.get_running_loop())
    return measured


async def test_a_blocked_loop_lags_by_about_the_time_of_the_block(lag):
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  # blocks the loop
    await asyncio.sleep(0.01)
    assert BLOCKED_SECONDS / 2 <= lag.seconds <= 10 * BLOCKED_SECONDS


async def test_the_lag_decays_while_the_loop_is_on_time(lag):
    lag.seconds = 8.0
    async with asyncio.timeout(10):
        while lag.seconds > 1.0:  # noqa: ASYNC110  # the lag has no event to await
            await asyncio.sleep(0.02)


def test_the_lag_is_zero_before_the_start():
    assert LoopLag().seconds == 0


def test_a_worker_process_measures_the_lag_of_its_own_loop(services):
    lag = services.limits.loop_lag

    async def block() -> float:
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  # blocks the loop
        await asyncio.sleep(0.01)
        return lag.seconds

    assert services.start(block()).result(5) >= BLOCKED_SECONDS / 2
