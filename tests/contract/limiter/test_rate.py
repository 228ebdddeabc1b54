"""The shared rate: never exceeded, almost fully usable, changeable at run time."""

import asyncio
import time
from itertools import pairwise
from random import Random

import pytest

from limiter.rate_limiter import RateLimiter
from limiter.sync_limiter import SyncLimiter
from tests.contract.limiter.build import ISSUING

# how late a busy machine may read the reply, and so see a later start than granted
EDGE_SECONDS = 0.2


async def reserve(
    limiter: RateLimiter, count: int, *, within_seconds: float = 0, preferred: bool = False
):
    return await limiter.reserve(
        count, within_seconds=within_seconds, preferred=preferred, scope=ISSUING
    )


async def starts_of(limiter: RateLimiter, count: int, *, within_seconds: float) -> list[float]:
    """Reserve, and return the times at which the calls may start."""
    reservation = await reserve(limiter, count, within_seconds=within_seconds)
    now = time.time()
    return [now + delay for delay in reservation.delays_seconds]


def most_in_one_second(starts: list[float]) -> int:
    ordered = sorted(starts)
    return max(
        sum(1 for later in ordered if start <= later < start + 1 - EDGE_SECONDS)
        for start in ordered
    )


async def test_three_workers_together_stay_within_the_rate_and_its_burst(clients, account):
    workers = [RateLimiter(await clients.redis(), account, rate_per_minute=6_000) for _ in range(3)]
    groups = await asyncio.gather(
        *(starts_of(worker, 4, within_seconds=1) for worker in workers for _ in range(20))
    )
    starts = [start for group in groups for start in group]
    assert len(starts) >= 160
    assert most_in_one_second(starts) <= 100 + 100


async def test_three_workers_together_use_nearly_all_of_the_rate_in_a_long_run(
    clients, account, wait
):
    workers = [RateLimiter(await clients.redis(), account, rate_per_minute=600) for _ in range(3)]
    begin, passed, starts = time.time(), 0.0, []
    for step in range(300):
        starts += [
            passed + start - begin
            for start in await starts_of(workers[step % 3], 13, within_seconds=1.0)
        ]
        passed += 0.7
        await wait(0.7)
    seconds = passed + time.time() - begin
    assert len(starts) >= 0.97 * 10 * seconds
    assert len(starts) <= 10 * (seconds + 1.0) + 10
    assert most_in_one_second(starts) <= 10 + 10


async def test_slots_come_in_ascending_order_and_evenly_after_the_burst(redis, account):
    limiter = RateLimiter(redis, account, rate_per_minute=120)
    delays = (await reserve(limiter, 4, within_seconds=1, preferred=True)).delays_seconds
    assert delays[:2] == (0.0, 0.0)
    assert [later - sooner for sooner, later in pairwise(delays[1:])] == pytest.approx([0.5] * 2)


async def test_unused_time_allows_at_most_two_thirds_of_a_second_of_calls(redis, account, wait):
    limiter = RateLimiter(redis, account, rate_per_minute=600)
    await reserve(limiter, 1)
    await wait(3600)
    assert len((await reserve(limiter, 100)).delays_seconds) == 6


async def test_unused_time_allows_a_second_of_preferred_calls(redis, account, wait):
    limiter = RateLimiter(redis, account, rate_per_minute=600)
    await reserve(limiter, 1)
    await wait(3600)
    assert len((await reserve(limiter, 100, preferred=True)).delays_seconds) == 10


async def test_preferred_calls_start_before_slots_reserved_earlier_and_delay_later_ones(
    redis, account
):
    limiter = RateLimiter(redis, account, rate_per_minute=6_000)
    ordinary = await reserve(limiter, 1_000, within_seconds=0.3)
    assert max(ordinary.delays_seconds) == pytest.approx(0.3, abs=0.02)
    preferred = await reserve(limiter, 4, within_seconds=1.0, preferred=True)
    assert max(preferred.delays_seconds) < 0.05
    following = await reserve(limiter, 1, within_seconds=1.0)
    assert following.delays_seconds[0] == pytest.approx(0.35, abs=0.05)


@pytest.mark.parametrize("per_minute", [30, 60, 90, 100, 600, 6_000])
async def test_no_window_has_more_than_its_rate_and_one_burst_with_preferred_calls(
    redis, account, wait, per_minute
):
    limiter, rng = RateLimiter(redis, account, rate_per_minute=per_minute), Random(per_minute)
    starts, passed, began = [], 0.0, time.time()
    for _ in range(120):
        preferred = rng.random() < 0.3
        within = 1.0 if preferred else 0.3
        reservation = await reserve(
            limiter, rng.randrange(1, 60), within_seconds=within, preferred=preferred
        )
        starts += [passed + time.time() - began + delay for delay in reservation.delays_seconds]
        passed += (pause := rng.choice((0.0, 0.05, 0.3, 3.0)))
        await wait(pause)
    ordered, interval = sorted(starts), 60 / per_minute
    burst = max(1, per_minute // 60)
    for first in range(0, len(ordered), 7):
        for last in range(first, len(ordered), 5):
            lasted = ordered[last] - ordered[first] + EDGE_SECONDS
            assert last - first + 1 <= lasted / interval + burst + 1


async def test_a_slow_rate_grants_one_call_at_a_time(redis, account):
    limiter = RateLimiter(redis, account, rate_per_minute=1)
    assert (await reserve(limiter, 5, within_seconds=1)).delays_seconds == (0.0,)
    refused = await reserve(limiter, 5, within_seconds=1)
    assert refused.delays_seconds == ()
    assert refused.next_free_seconds == pytest.approx(60, abs=1)


async def test_only_slots_within_the_horizon_are_granted(redis, account):
    limiter = RateLimiter(redis, account, rate_per_minute=600)
    reservation = await reserve(limiter, 1000, within_seconds=1)
    assert len(reservation.delays_seconds) == 6 + 10
    assert max(reservation.delays_seconds) <= 1
    assert reservation.next_free_seconds == pytest.approx(1.1, abs=0.1)


async def test_an_unlimited_account_starts_everything_at_once(redis, account):
    reservation = await reserve(RateLimiter(redis, account, rate_per_minute=0), 500)
    assert reservation.delays_seconds == (0.0,) * 500
    assert (reservation.next_free_seconds, reservation.held) == (0, "")


async def test_a_rate_set_by_one_worker_binds_the_next_reservation_of_another(clients, account):
    one = RateLimiter(await clients.redis(), account, rate_per_minute=60)
    other = RateLimiter(await clients.redis(), account, rate_per_minute=60)
    await reserve(other, 1)
    await one.set_rate(6000)
    delays = (await reserve(other, 90, within_seconds=1)).delays_seconds
    assert len(delays) == 90
    assert max(delays) < 1


async def test_a_rate_that_was_set_can_be_reset_to_the_setting(redis, account):
    limiter = RateLimiter(redis, account, rate_per_minute=60)
    await limiter.set_rate(0)
    assert len((await reserve(limiter, 50)).delays_seconds) == 50
    await limiter.set_rate(None)
    assert len((await reserve(limiter, 50)).delays_seconds) == 1


async def test_a_lower_rate_waits_its_interval_after_the_last_granted_slot(redis, account):
    limiter = RateLimiter(redis, account, rate_per_minute=60)
    await reserve(limiter, 1)
    await limiter.set_rate(6)
    assert (await reserve(limiter, 1)).next_free_seconds == pytest.approx(10, abs=0.5)


async def test_the_console_sets_the_rate_and_sees_its_source(clients, account):
    console = SyncLimiter(clients.redis_sync(), account, rate_per_minute=60)
    assert (console.state().rate_per_minute, console.state().rate_overridden) == (60, False)
    console.set_rate(6000)
    assert (console.state().rate_per_minute, console.state().rate_overridden) == (6000, True)
    limiter = RateLimiter(await clients.redis(), account, rate_per_minute=60)
    assert len((await reserve(limiter, 1000, preferred=True)).delays_seconds) == 100
    console.set_rate(None)
    assert (await limiter.state()).rate_per_minute == 60


async def test_two_accounts_do_not_share_a_rate(redis, account):
    one = RateLimiter(redis, account, rate_per_minute=1)
    other = RateLimiter(redis, f"{account}-other", rate_per_minute=1)
    await reserve(one, 1)
    assert len((await reserve(other, 1)).delays_seconds) == 1
