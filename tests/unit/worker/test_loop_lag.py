"""The lag of the event loop, as a process measures it."""

import asyncio
import time

import pytest

from worker.loop_lag import LoopLag, make_loop

BLOCKED_SECONDS = 0.2
CALL_SECONDS = 0.2


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


def _measure_call(busy_share: float) -> tuple[bool, bool]:
    """Make a call of a fifth of a second while other callbacks run for a share of it.

    Returns whether it is distorted, and whether it would be without the measured idle time.
    """

    async def call() -> tuple[bool, bool]:
        lag, began = LoopLag(selector), time.monotonic()
        idle_before = lag.idle_seconds
        while (passed := time.monotonic() - began) < CALL_SECONDS:
            until = time.monotonic() + 0.005 * busy_share
            while time.monotonic() < until:  # a callback of another call
                pass
            await asyncio.sleep(0.005 * (1 - busy_share))
        return lag.distorts(passed, idle_before), lag.distorts(passed, None)

    loop, selector = make_loop()
    try:
        return loop.run_until_complete(call())
    finally:
        loop.close()


def test_a_loop_that_is_busy_during_a_call_distorts_its_latency():
    assert _measure_call(busy_share=0.8) == (True, False)


@pytest.mark.flaky(reruns=3)  # other processes may take the core
def test_a_loop_that_mostly_waits_does_not():
    assert _measure_call(busy_share=0.05) == (False, False)
