"""The limiter's round trips for a healthy worker, counted by a real server."""

import pytest

from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect
from limiter.reservation import Reservation
from tests.contract.limiter.build import ACCEPTED, FAILED, ISSUING, THROTTLED, call, suspend


@pytest.fixture
async def redis(valkey):
    async with connect(valkey.connection_url) as client:
        yield client


@pytest.fixture
def commands(redis):
    """Count the commands from clients, without those inside scripts."""

    async def count() -> int:
        stats = await redis.info("commandstats")
        return sum(
            stats.get(f"cmdstat_{name}", {}).get("calls", 0)
            for name in ("evalsha", "smembers", "sadd")
        )

    return count


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def limiter(redis, account, clock) -> RateLimiter:
    """A limiter that has loaded its scripts."""
    made = RateLimiter(redis, account, rate_per_minute=6_000, clock=clock)
    await call(made, ACCEPTED)
    return made


@pytest.fixture
def report_each(limiter):
    async def report_one_by_one(reservation: Reservation, *results) -> None:
        for result in results:
            await limiter.report(reservation, result)

    return report_one_by_one


async def test_a_reservation_with_accepted_results_is_one_round_trip(
    limiter, report_each, commands
):
    before = await commands()
    for _ in range(5):
        reservation = await limiter.reserve(50, within_seconds=1, scope=ISSUING)
        await report_each(reservation, *[ACCEPTED] * 50)
    assert await commands() - before == 5


async def test_accepted_results_without_a_reservation_are_reported_twice_a_second(
    limiter, report_each, commands, clock
):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    before = await commands()
    for _ in range(80):
        clock.now += 0.05
        await report_each(reservation, ACCEPTED)
    assert 7 <= await commands() - before <= 8


async def test_accepted_results_at_once_wait_for_the_next_reservation(
    limiter, report_each, commands
):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    before = await commands()
    await report_each(reservation, *[ACCEPTED] * 1_000)
    assert await commands() == before


async def test_failures_are_reported_soon_but_at_most_twenty_times_a_second(
    limiter, report_each, commands, clock
):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    before = await commands()
    for _ in range(100):
        clock.now += 0.01
        await report_each(reservation, FAILED)
    assert 15 <= await commands() - before <= 20


async def test_an_accepted_result_is_reported_soon_while_calls_are_refused(
    limiter, report_each, commands, clock
):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    clock.now = 1.0
    await report_each(reservation, FAILED)
    clock.now, before = 1.1, await commands()
    await report_each(reservation, ACCEPTED)
    assert await commands() - before == 1


async def test_the_result_of_a_probe_is_reported_at_once(limiter, report_each, commands, wait):
    await suspend(limiter, wait)
    await wait(60)
    probe = await limiter.reserve(1, within_seconds=0, scope=ISSUING)
    before = await commands()
    await report_each(probe, ACCEPTED)
    assert await commands() - before == 1
    assert (await limiter.state()).account.is_available


async def test_refusals_can_be_reported_without_a_later_result(limiter, report_each, commands):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    before = await commands()
    await report_each(reservation, ACCEPTED)
    await limiter.flush_refusals(ISSUING)
    assert await commands() - before == 0
    await report_each(reservation, FAILED)
    await limiter.flush_refusals(ISSUING)
    assert await commands() - before == 1


async def test_accepted_results_are_not_urgent_after_a_failure_is_over(
    limiter, report_each, commands, clock
):
    reservation = await limiter.reserve(50, within_seconds=0, scope=ISSUING)
    for result in (FAILED, ACCEPTED):
        clock.now += 1.0
        await report_each(reservation, result)
    before = await commands()
    for _ in range(4):
        clock.now += 0.1
        await report_each(reservation, ACCEPTED)
    assert await commands() - before == 0


async def test_an_account_with_an_adaptive_limit_costs_no_more_round_trips(
    limiter, report_each, commands, wait
):
    await suspend(limiter, wait, THROTTLED)
    await wait(60)
    await call(limiter, ACCEPTED)
    assert (await limiter.state()).adaptive_limit_per_minute
    before = await commands()
    for _ in range(5):
        reservation = await limiter.reserve(50, within_seconds=1, scope=ISSUING)
        await report_each(reservation, *[ACCEPTED] * 20)
    assert await commands() - before == 5


async def test_a_chunk_of_locks_is_one_round_trip(redis, account, commands):
    locks = CustomerLocks(redis, account)
    fingerprints = [f"customer-{number}" for number in range(200)]
    await locks.release("claim-1", fingerprints)
    await locks.acquire("claim-0", ["other"], 30)
    before = await commands()
    assert len(await locks.acquire("claim-1", fingerprints, 30)) == 200
    await locks.release("claim-1", fingerprints)
    assert await commands() - before == 2


async def test_asking_for_paused_campaigns_before_each_call_rarely_takes_a_round_trip(
    redis, account, commands
):
    campaigns = PausedCampaigns(redis, account, clock=lambda: 0.0)
    before = await commands()
    for _ in range(1000):
        await campaigns.paused()
    assert await commands() - before == 1
