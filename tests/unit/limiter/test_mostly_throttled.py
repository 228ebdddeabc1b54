"""A `Retry-After` concerns the account while most calls are throttled, and otherwise the job."""

import pytest
from structlog.testing import capture_logs

from tests.contract.limiter.build import ACCEPTED, THROTTLED, with_retry_after
from tests.unit.limiter.virtual import make_calls

RETRY_AFTER = 8


def throttling(share, seconds=RETRY_AFTER):
    return lambda rng: with_retry_after(THROTTLED, seconds) if rng.random() < share else ACCEPTED


async def run_until_suspended(virtual, limiter, answer):
    for _ in range(100):
        await make_calls(virtual, limiter, 0.1, answer)
        state = await limiter.state()
        if not state.account.is_available:
            break
    return state


@pytest.mark.parametrize("adapts", [True, False])
async def test_a_retry_after_while_most_calls_are_throttled_suspends_for_that_long(virtual, adapts):
    limiter = virtual.worker(adapts=adapts)
    with capture_logs() as logged:
        state = await run_until_suspended(virtual, limiter, throttling(0.8))
    assert state.account.until_seconds == pytest.approx(RETRY_AFTER, abs=0.2)
    assert state.account.reason == THROTTLED.reason
    assert virtual.now < 5
    assert "account_suspended" in {event["event"] for event in logged}


async def test_a_retry_after_while_few_calls_are_throttled_suspends_nothing(virtual, limiter):
    assert (await run_until_suspended(virtual, limiter, throttling(0.2))).account.is_available


async def test_most_calls_throttled_without_a_retry_after_suspend_nothing(virtual):
    limiter = virtual.worker(adapts=False)
    assert (
        await run_until_suspended(virtual, limiter, throttling(0.8, seconds=0))
    ).account.is_available
