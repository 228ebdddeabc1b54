"""The shared rate: never above the limit, nearly all of it usable, changed while it runs."""

import asyncio
import time
from itertools import pairwise
from random import Random

import pytest

from limiter.rate_limiter import AccountLimits
from limiter.sync_limiter import LimitsConsole

EDGE_SECONDS = 0.2  # how late a busy machine may see the reply, and so take the start for later than granted


async def grants(limits: AccountLimits, count: int, *, within_seconds: float) -> list[float]:
    """Reserve and tell the moments at which the calls may start."""
    reservation = await limits.reserve(count, within_seconds=within_seconds)
    now = time.time()
    return [now + delay for delay in reservation.delays_seconds]


def most_in_one_second(starts: list[float]) -> int:
    ordered = sorted(starts)
    return max(sum(1 for later in ordered if start <= later < start + 1 - EDGE_SECONDS) for start in ordered)


async def test_three_workers_together_keep_to_the_rate_and_its_burst(clients, account):
    workers = [AccountLimits(await clients.redis(), account, rate_per_minute=600) for _ in range(3)]
    granted = await asyncio.gather(*(grants(worker, 5, within_seconds=60) for worker in workers for _ in range(20)))
    starts = [start for group in granted for start in group]
    assert len(starts) == 300
    assert most_in_one_second(starts) <= 10 + 10


async def test_three_workers_together_use_nearly_all_of_the_rate_in_a_long_run(clients, account, wait):
    workers = [AccountLimits(await clients.redis(), account, rate_per_minute=600) for _ in range(3)]
    begin, passed, starts = time.time(), 0.0, []
    for step in range(300):
        starts += [passed + start - begin for start in await grants(workers[step % 3], 13, within_seconds=1.0)]
        passed += 0.7
        await wait(0.7)
    seconds = passed + time.time() - begin
    assert len(starts) >= 0.97 * 10 * seconds
    assert len(starts) <= 10 * (seconds + 1.0) + 10
    assert most_in_one_second(starts) <= 10 + 10


async def test_slots_come_in_ascending_order_and_evenly_after_the_burst(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=120)
    delays = (await limits.reserve(6, within_seconds=60, preferred=True)).delays_seconds
    assert delays[:2] == (0.0, 0.0)
    assert [later - sooner for sooner, later in pairwise(delays[1:])] == pytest.approx([0.5] * 4)


async def test_unused_time_counts_for_no_more_than_two_thirds_of_a_second_of_calls(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=600)
    await limits.reserve(1, within_seconds=0)
    await wait(3600)
    assert len((await limits.reserve(100, within_seconds=0)).delays_seconds) == 6


async def test_unused_time_counts_for_a_second_of_preferred_calls(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=600)
    await limits.reserve(1, within_seconds=0)
    await wait(3600)
    assert len((await limits.reserve(100, within_seconds=0, preferred=True)).delays_seconds) == 10


async def test_preferred_calls_start_before_those_that_were_reserved_before_them_and_move_the_next(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=6_000)
    ordinary = await limits.reserve(1_000, within_seconds=0.3)
    assert max(ordinary.delays_seconds) == pytest.approx(0.3, abs=0.02)
    preferred = await limits.reserve(4, within_seconds=1.0, preferred=True)
    assert max(preferred.delays_seconds) < 0.05
    following = await limits.reserve(1, within_seconds=1.0)
    assert following.delays_seconds[0] == pytest.approx(0.35, abs=0.05)


@pytest.mark.parametrize("per_minute", [30, 60, 90, 100, 600, 6_000])
async def test_no_window_holds_more_than_its_rate_and_one_burst_whoever_is_preferred(redis, account, wait, per_minute):
    limits, rng = AccountLimits(redis, account, rate_per_minute=per_minute), Random(per_minute)
    starts, passed, began = [], 0.0, time.time()
    for _ in range(120):
        preferred = rng.random() < 0.3
        within = 1.0 if preferred else 0.3
        reservation = await limits.reserve(rng.randrange(1, 60), within_seconds=within, preferred=preferred)
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
    limits = AccountLimits(redis, account, rate_per_minute=1)
    assert (await limits.reserve(5, within_seconds=30)).delays_seconds == (0.0,)
    refused = await limits.reserve(5, within_seconds=30)
    assert refused.delays_seconds == ()
    assert refused.next_free_seconds == pytest.approx(60, abs=1)


async def test_only_slots_within_the_horizon_are_granted(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=600)
    reservation = await limits.reserve(1000, within_seconds=5)
    assert len(reservation.delays_seconds) == 6 + 50
    assert max(reservation.delays_seconds) <= 5
    assert reservation.next_free_seconds == pytest.approx(5.1, abs=0.1)


async def test_an_unlimited_account_starts_everything_at_once(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=0)
    reservation = await limits.reserve(500, within_seconds=0)
    assert reservation.delays_seconds == (0.0,) * 500
    assert reservation.next_free_seconds == 0


async def test_a_rate_set_by_one_worker_binds_the_next_reservation_of_another(clients, account):
    one = AccountLimits(await clients.redis(), account, rate_per_minute=60)
    other = AccountLimits(await clients.redis(), account, rate_per_minute=60)
    await other.reserve(1, within_seconds=0)
    await one.set_rate(6000)
    delays = (await other.reserve(150, within_seconds=60)).delays_seconds
    assert len(delays) == 150
    assert max(delays) < 2


async def test_a_rate_that_was_set_gives_way_to_the_setting_again(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=60)
    await limits.set_rate(0)
    assert len((await limits.reserve(50, within_seconds=0)).delays_seconds) == 50
    await limits.set_rate(None)
    assert len((await limits.reserve(50, within_seconds=0)).delays_seconds) == 1


async def test_a_lower_rate_waits_its_own_interval_after_the_last_granted_slot(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=60)
    await limits.reserve(1, within_seconds=0)
    await limits.set_rate(6)
    assert (await limits.reserve(1, within_seconds=0)).next_free_seconds == pytest.approx(10, abs=0.5)


async def test_the_console_sets_the_rate_and_sees_whose_it_is(clients, account):
    console = LimitsConsole(clients.redis_sync(), account, rate_per_minute=60)
    assert (console.state().rate_per_minute, console.state().rate_overridden) == (60, False)
    console.set_rate(6000)
    assert (console.state().rate_per_minute, console.state().rate_overridden) == (6000, True)
    limits = AccountLimits(await clients.redis(), account, rate_per_minute=60)
    assert len((await limits.reserve(1000, within_seconds=0, preferred=True)).delays_seconds) == 100
    console.set_rate(None)
    assert (await limits.state()).rate_per_minute == 60


async def test_slots_given_back_are_granted_again(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=600)
    first = await limits.reserve(1000, within_seconds=5)
    await limits.give_back(first, 20)
    again = await limits.reserve(1000, within_seconds=5)
    assert list(again.delays_seconds[:20]) == pytest.approx(first.delays_seconds[-20:], abs=0.5)


async def test_no_more_is_given_back_than_was_granted(redis, account):
    limits = AccountLimits(redis, account, rate_per_minute=600)
    await limits.reserve(20, within_seconds=60)
    last = await limits.reserve(10, within_seconds=60)
    await limits.give_back(last, 30)
    again = await limits.reserve(1, within_seconds=60)
    assert again.delays_seconds[0] == pytest.approx(last.delays_seconds[0], abs=0.5)


async def test_slots_with_others_behind_them_lapse_rather_than_double(clients, account):
    one = AccountLimits(await clients.redis(), account, rate_per_minute=600)
    other = AccountLimits(await clients.redis(), account, rate_per_minute=600)
    early = await one.reserve(20, within_seconds=60)
    late = await other.reserve(20, within_seconds=60)
    await one.give_back(early, 20)
    following = await one.reserve(1, within_seconds=60)
    assert following.delays_seconds[0] > late.delays_seconds[-1] - 0.5


async def test_workers_that_stop_in_reverse_order_give_everything_back(clients, account):
    one = AccountLimits(await clients.redis(), account, rate_per_minute=600)
    other = AccountLimits(await clients.redis(), account, rate_per_minute=600)
    early = await one.reserve(20, within_seconds=60)
    late = await other.reserve(20, within_seconds=60)
    await other.give_back(late, 20)
    await one.give_back(early, 20)
    assert (await one.reserve(1, within_seconds=60)).delays_seconds == (0.0,)


async def test_two_accounts_do_not_share_a_rate(redis, account):
    one = AccountLimits(redis, account, rate_per_minute=1)
    other = AccountLimits(redis, f"{account}-other", rate_per_minute=1)
    await one.reserve(1, within_seconds=0)
    assert len((await other.reserve(1, within_seconds=0)).delays_seconds) == 1
