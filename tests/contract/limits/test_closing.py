"""Closing the account for all workers, and opening it again by a probe."""

import asyncio
from random import Random

import pytest

from issuance.retry import RetryPolicy
from limiter.rate_limiter import AccountLimits
from limiter.sync_limiter import LimitsConsole

POLICY = RetryPolicy(closed_base_seconds=5, closed_cap_seconds=300)


@pytest.fixture
async def workers(clients, account) -> tuple[AccountLimits, AccountLimits]:
    one, other = await clients.redis(), await clients.redis()
    return (
        AccountLimits(one, account, rate_per_minute=0, failure_threshold=4),
        AccountLimits(other, account, rate_per_minute=0, failure_threshold=4),
    )


async def note(limits, reservation, *, answered=0, failed=0):
    return await limits.note(reservation, answered=answered, failed=failed, policy=POLICY, rng=Random(1))


async def granted(limits, count=10):
    return len((await limits.reserve(count, within_seconds=0)).delays_seconds)


async def test_a_closed_account_grants_nothing_to_any_worker(workers):
    one, other = workers
    assert await one.close(30, "429 without Retry-After") == pytest.approx(30, abs=1)
    refused = await other.reserve(10, within_seconds=60)
    assert refused.delays_seconds == ()
    assert refused.next_free_seconds == pytest.approx(30, abs=1)
    assert await other.closed_seconds() == pytest.approx(30, abs=1)


async def test_a_closing_is_only_ever_extended(workers):
    one, other = workers
    await one.close(60, "the longer")
    assert await other.close(5, "the shorter") == pytest.approx(60, abs=1)
    assert (await one.state()).why == "the longer"
    assert await other.close(90, "the longest") == pytest.approx(90, abs=1)
    assert (await one.state()).why == "the longest"


async def test_many_replies_of_one_closing_count_once(workers):
    one, other = workers
    for limits in (one, other, one):
        await limits.close(5, "429")
    assert (await one.state()).closings == 1


async def test_a_closing_of_no_time_still_pauses_for_a_second(workers):
    one, other = workers
    assert await one.close(0, "429 with Retry-After: 0") == pytest.approx(1, abs=0.1)
    assert await granted(other) == 0


async def test_the_console_sees_why_and_how_long_the_account_is_closed(workers, clients, account):
    await workers[0].close(30, "401: the till's password is wrong")
    state = LimitsConsole(clients.redis_sync(), account, rate_per_minute=0).state()
    assert state.closed_seconds == pytest.approx(30, abs=1)
    assert (state.closings, state.why) == (1, "401: the till's password is wrong")


async def test_after_a_closing_one_probe_a_second_goes_through_over_all_workers(workers, wait):
    one, other = workers
    await one.close(30, "429")
    await wait(31)
    probe = await one.reserve(10, within_seconds=5)
    assert probe.delays_seconds == (0.0,)
    assert probe.next_free_seconds == pytest.approx(1, abs=0.1)
    assert await granted(other) == 0
    await wait(1.1)
    assert await granted(other) == 1


async def test_a_probe_waits_its_turn_under_the_rate(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=6)
    await limits.reserve(1, within_seconds=0)
    await limits.close(1, "429")
    await wait(2)
    assert (await limits.reserve(1, within_seconds=0)).delays_seconds == ()
    probe = await limits.reserve(1, within_seconds=10)
    assert probe.delays_seconds == pytest.approx([8], abs=0.5)
    assert probe.next_free_seconds == pytest.approx(9, abs=0.5)


async def test_an_answered_probe_opens_the_account_for_all(workers, wait):
    one, other = workers
    await one.reserve(960, within_seconds=0)
    await one.close(30, "429")
    await wait(31)
    probe = await one.reserve(10, within_seconds=0)
    assert await note(one, probe, answered=1) is None
    await wait(1)
    assert await granted(other, 100) > 10
    state = await one.state()
    assert (state.closings, state.why, state.failures) == (0, "", 0)


async def test_failures_in_a_row_over_all_workers_close_the_account(workers):
    one, other = workers
    calls = await one.reserve(3, within_seconds=0)
    assert await note(one, calls, failed=3) is None
    assert (await one.state()).failures == 3
    calls = await other.reserve(1, within_seconds=0)
    seconds = await note(other, calls, failed=1)
    assert 2.5 <= seconds <= 5
    state = await one.state()
    assert (state.closings, state.why) == (1, "4 calls in a row without a readable answer")


async def test_failures_that_are_told_at_once_make_one_closing(clients, account):
    workers = [AccountLimits(await clients.redis(), account, rate_per_minute=0, failure_threshold=4) for _ in range(3)]
    calls = [await limits.reserve(2, within_seconds=0) for limits in workers]
    closed = await asyncio.gather(
        *(note(limits, group, failed=2) for limits, group in zip(workers, calls, strict=True))
    )
    assert sum(seconds is not None for seconds in closed) == 1


async def test_a_closing_starts_the_row_of_failures_anew(workers):
    one, _ = workers
    await note(one, await one.reserve(3, within_seconds=0), failed=3)
    await one.close(30, "429")
    assert (await one.state()).failures == 0


async def test_one_answer_ends_the_row_of_failures_for_all_workers(workers):
    one, other = workers
    await note(one, await one.reserve(3, within_seconds=0), failed=3)
    await note(other, await other.reserve(1, within_seconds=0), answered=1)
    assert await note(one, await one.reserve(3, within_seconds=0), failed=3) is None
    assert (await one.state()).failures == 3


async def test_a_group_with_an_answer_among_failures_closes_nothing(workers):
    one, _ = workers
    assert await note(one, await one.reserve(10, within_seconds=0), failed=9, answered=1) is None
    assert await one.closed_seconds() == 0
    assert await granted(one) > 0


async def test_each_failed_probe_closes_the_account_for_longer(workers, wait):
    one, _ = workers
    await note(one, await one.reserve(4, within_seconds=0), failed=4)
    lengths = []
    for _ in range(8):
        await wait(301)
        lengths.append(await note(one, await one.reserve(4, within_seconds=0), failed=1))
    assert 5 <= lengths[0] <= 10
    assert 10 <= lengths[1] <= 20
    assert 150 <= lengths[-1] <= 300
    assert (await one.state()).closings == 9


async def test_an_answer_makes_the_next_closing_short_again(workers, wait):
    one, _ = workers
    for _ in range(3):
        await one.close(30, "429")
        await wait(31)
    probe = await one.reserve(1, within_seconds=0)
    assert probe.closings == 3
    await note(one, probe, answered=1)
    seconds = await note(one, await one.reserve(4, within_seconds=0), failed=4)
    assert 2.5 <= seconds <= 5


async def test_calls_from_before_the_closing_tell_nothing_about_the_account_after_it(workers, wait):
    one, other = workers
    old = await other.reserve(10, within_seconds=0)
    await one.close(30, "429")
    assert await note(other, old, failed=10) is None
    await wait(31)
    assert await note(other, old, failed=10) is None
    assert await note(other, old, answered=1) is None
    assert (await one.state()).closings == 1
    assert await granted(one) == 1
