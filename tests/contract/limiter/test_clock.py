"""When a failover or a resumed machine sets the clock back, nothing waits for it."""

import pytest

from limiter.keys import limits_key
from limiter.rate_limiter import RateLimiter
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    READS,
    REFUSALS_SPREAD_SECONDS,
    call,
    repeated,
    suspend,
    with_retry_after,
)

HOUR = 3_600


@pytest.fixture
async def limiter(clients, account) -> RateLimiter:
    return RateLimiter(await clients.redis(), account, rate_per_minute=600)


@pytest.fixture
def watch(limiter, wait):
    """Let seconds pass in which only the release reads the state: calls are suspended."""

    async def read_each_second(seconds):
        for _ in range(seconds):
            await wait(1)
            await limiter.state()

    return read_each_second


@pytest.fixture
def store(redis, account):
    """Write the account's hash of an older version, with a time some seconds ahead."""

    async def write(ahead_seconds, field, **others):
        seconds, _ = await redis.time()
        await redis.hset(
            limits_key(account), mapping={field: (seconds + ahead_seconds) * 1_000_000, **others}
        )

    return write


async def reserve(limiter, count, *, preferred=False):
    return await limiter.reserve(count, within_seconds=0, scope=ISSUING, preferred=preferred)


async def test_slots_are_granted_at_once_after_the_clock_was_set_back(
    limiter, set_clock_back, wait
):
    await reserve(limiter, 10, preferred=True)
    await set_clock_back(HOUR)
    assert (await reserve(limiter, 1)).next_free_seconds <= 0.5
    await wait(1)
    reservation = await reserve(limiter, 100, preferred=True)
    assert reservation.delays_seconds[0] == 0
    assert len(reservation.delays_seconds) >= 9


async def test_a_suspension_ends_on_time(limiter, set_clock_back, wait, watch):
    await suspend(limiter, wait, with_retry_after(FAILED, 30))
    await watch(20)
    await set_clock_back(HOUR)
    assert (await limiter.state()).account.until_seconds == pytest.approx(10, abs=2)
    await wait(12)
    assert (await call(limiter, ACCEPTED)).is_probe
    assert (await limiter.state()).account.is_available


async def test_a_suspension_of_reads_ends_on_time(limiter, set_clock_back, wait, watch):
    await limiter.set_rate(0)
    await call(limiter, FAILED, scope=READS)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(limiter, *[with_retry_after(FAILED, 30)] * 30, scope=READS)
    await watch(20)
    await set_clock_back(HOUR)
    assert (await limiter.state()).reads.until_seconds == pytest.approx(10, abs=2)
    await wait(12)
    assert (await call(limiter, ACCEPTED, scope=READS)).is_probe


async def test_a_campaign_is_probed_again_as_soon_as_before(limiter, set_clock_back, wait):
    await limiter.set_rate(0)
    await call(limiter, FAILED)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(limiter, *[FAILED, repeated(FAILED)] * 50)
    assert (await limiter.state()).campaigns.keys() == {ISSUING.campaign_id}
    await set_clock_back(HOUR)
    assert (await reserve(limiter, 1)).next_free_seconds <= 2
    await wait(2)
    assert len((await reserve(limiter, 1)).delays_seconds) == 1


async def test_probes_continue(limiter, set_clock_back, wait):
    await suspend(limiter, wait)
    for _ in range(3):
        await wait(2)
        await set_clock_back(HOUR)
        assert (await reserve(limiter, 1)).next_free_seconds <= 2
        await wait(2)
        assert (await call(limiter, FAILED)).is_probe


@pytest.mark.parametrize("rate", [10, 100, 600])
@pytest.mark.parametrize("ahead_seconds", [1, 3, HOUR])
async def test_a_future_slot_of_an_older_version_costs_at_most_two_seconds(
    limiter, store, wait, rate, ahead_seconds
):
    await store(ahead_seconds, "last", rate=rate, era=3, failures=2, closings=0)
    reservation = await reserve(limiter, 1)
    if not reservation.delays_seconds:
        assert reservation.next_free_seconds <= 2 + 60 / rate
        await wait(reservation.next_free_seconds)
        reservation = await reserve(limiter, 1)
    assert reservation.delays_seconds == (0.0,)


async def test_an_account_closed_by_an_older_version_becomes_available(limiter, store):
    await store(60, "closed_until", closings=3, ceiling=60, why="code 429", failures=9)
    assert (await reserve(limiter, 1)).delays_seconds == (0.0,)
    state = await limiter.state()
    assert (state.account.is_available, state.account.refused, state.allowed_per_minute) == (
        True,
        0,
        600,
    )
