"""When the server's clock is set back by an hour, nothing changes; in virtual time."""

import pytest

from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    THROTTLED,
    call,
    report,
    suspend,
    with_retry_after,
)
from tests.unit.limiter.virtual import PER_SECOND, RATE, HalfTaken, granted, make_calls

HOUR = 3_600


async def test_the_rate_is_used_and_kept_across_the_change(virtual, limiter):
    await make_calls(virtual, limiter, 5)
    await virtual.set_clock_back(HOUR)
    made = await make_calls(virtual, limiter, 5)
    assert 0.97 * 5 * PER_SECOND <= len(made) <= 5 * PER_SECOND + PER_SECOND


async def test_slots_reserved_ahead_are_not_granted_twice(virtual, limiter):
    first = await limiter.reserve(1_000, within_seconds=1, scope=ISSUING)
    await virtual.set_clock_back(HOUR)
    again = await limiter.reserve(1_000, within_seconds=1, scope=ISSUING)
    assert granted(first) > PER_SECOND
    assert granted(again) == 0
    assert again.next_free_seconds <= 1.1


async def test_slots_from_before_the_change_stay_unused_when_they_are_given_back(virtual, limiter):
    first = await limiter.reserve(100, within_seconds=1, scope=ISSUING)
    await virtual.set_clock_back(HOUR)
    await limiter.give_back(first, 100)
    await make_calls(virtual, limiter, 2)
    assert granted(await limiter.reserve(1_000, within_seconds=0, scope=ISSUING)) <= PER_SECOND


@pytest.mark.parametrize("passed", [1, 15, 29])
async def test_a_suspension_ends_on_time(virtual, limiter, passed):
    await suspend(limiter, virtual.wait, with_retry_after(THROTTLED, 30))
    for _ in range(passed):
        await virtual.wait(1)
        await limiter.state()
    await virtual.set_clock_back(HOUR)
    await limiter.state()
    await virtual.wait(30 - passed + 2)
    assert (await call(limiter, ACCEPTED)).is_probe


async def test_a_recovery_continues(virtual, limiter):
    await make_calls(virtual, limiter, 5)
    await suspend(limiter, virtual.wait)
    await virtual.wait(10)
    await call(limiter, ACCEPTED)
    await virtual.set_clock_back(HOUR)
    await make_calls(virtual, limiter, 8)
    assert (await limiter.state()).adaptive_limit_per_minute == 0


async def test_a_limit_continues_to_grow(virtual, limiter):
    await make_calls(virtual, limiter, 10, HalfTaken(virtual))
    before = (await limiter.state()).adaptive_limit_per_minute
    await virtual.set_clock_back(HOUR)
    await make_calls(virtual, limiter, 30)
    assert before < RATE
    assert (await limiter.state()).allowed_per_minute >= min(RATE, 1.5 * before)


async def test_a_row_of_refusals_still_suspends(virtual, limiter):
    await call(limiter, FAILED)
    await virtual.set_clock_back(HOUR)
    await suspend(limiter, virtual.wait)
    assert not (await limiter.state()).account.is_available


async def test_a_hard_limit_is_still_found(virtual, limiter):
    await make_calls(virtual, limiter, 5)
    await virtual.set_clock_back(HOUR)
    await make_calls(virtual, limiter, 15, HalfTaken(virtual))
    assert 0 < (await limiter.state()).adaptive_limit_per_minute < RATE


async def test_a_clock_that_jumps_ahead_ends_a_suspension_and_grants_no_burst(virtual, limiter):
    await make_calls(virtual, limiter, 5)
    await suspend(limiter, virtual.wait, with_retry_after(FAILED, 30))
    await virtual.set_clock_back(-HOUR)
    probe = await limiter.reserve(1_000, within_seconds=0, scope=ISSUING)
    assert granted(probe) == 1
    await report(limiter, probe, ACCEPTED)
    assert len(await make_calls(virtual, limiter, 1)) <= PER_SECOND
