"""The account is suspended for all workers only when the API refuses all of its calls."""

import asyncio

import pytest
from structlog.testing import capture_logs

from limiter.rate_limiter import RateLimiter
from limiter.sync_limiter import SyncLimiter
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    REFUSALS_SPREAD_SECONDS,
    THROTTLED,
    UNAUTHORISED,
    call,
    repeated,
    report,
    with_retry_after,
)

RATE, THRESHOLD = 6_000, 8


@pytest.fixture
async def workers(clients, account) -> tuple[RateLimiter, RateLimiter]:
    one, other = await clients.redis(), await clients.redis()
    options = {"rate_per_minute": RATE, "failure_threshold": THRESHOLD}
    return RateLimiter(one, account, **options), RateLimiter(other, account, **options)


@pytest.fixture
def refuse(workers, wait):
    """Report this many refused calls of both workers, spread over a while."""

    async def report_refusals(result, count):
        one, other = workers
        calls = await one.reserve(count, within_seconds=0.3, scope=ISSUING)
        assert len(calls.delays_seconds) == count
        await report(other, calls, result)
        await wait(REFUSALS_SPREAD_SECONDS)
        return await report(one, calls, *[result] * (count - 1))

    return report_refusals


async def granted(limiter, count=10):
    return len((await limiter.reserve(count, within_seconds=0, scope=ISSUING)).delays_seconds)


@pytest.mark.parametrize(
    ("result", "count"),
    [(FAILED, THRESHOLD), (THROTTLED, THRESHOLD // 2), (UNAUTHORISED, THRESHOLD // 4)],
)
async def test_a_row_of_refused_first_attempts_suspends_the_account_with_its_reason(
    workers, refuse, result, count
):
    assert await refuse(result, count - 1) == 0
    assert (await workers[0].state()).account.is_available
    assert await refuse(result, 2) > 0
    account = (await workers[1].state()).account
    assert (account.availability, account.reason) == ("suspended", result.reason)


async def test_a_suspended_account_grants_nothing_to_any_worker(workers, refuse):
    seconds = await refuse(FAILED, THRESHOLD)
    refused = await workers[1].reserve(10, within_seconds=1, scope=ISSUING)
    assert (refused.delays_seconds, refused.held) == ((), "suspended")
    assert refused.next_free_seconds == pytest.approx(seconds, abs=0.5)


async def test_the_console_sees_why_and_how_long_the_account_is_suspended(
    workers, refuse, clients, account
):
    await refuse(with_retry_after(UNAUTHORISED, 30), 2)
    state = SyncLimiter(clients.redis_sync(), account, rate_per_minute=RATE).state()
    assert (state.account.availability, state.account.reason) == ("suspended", "HTTP 401")
    assert state.account.until_seconds == pytest.approx(30, abs=1)
    assert state.is_held_back


@pytest.fixture
def console(clients, account):
    return SyncLimiter(clients.redis_sync(), account, rate_per_minute=RATE)


@pytest.mark.parametrize(("apart", "times"), [(60, 2), (700, 1)])
async def test_suspensions_within_ten_minutes_of_each_other_are_counted(
    refuse, wait, console, apart, times
):
    await refuse(UNAUTHORISED, 2)
    assert console.state().account.times == 1
    console.resume()
    assert console.state().account.times == 0
    await wait(apart)
    await refuse(UNAUTHORISED, 2)
    state = console.state().account
    assert (state.availability, state.times) == ("suspended", times)
    assert state.times_seconds == pytest.approx(apart if times > 1 else 0, abs=10)


async def test_the_console_sees_a_row_of_refused_calls_before_it_suspends(
    workers, clients, account
):
    await call(workers[0], FAILED, FAILED)
    state = SyncLimiter(clients.redis_sync(), account, rate_per_minute=RATE).state()
    assert (state.account.availability, state.account.refused) == ("available", 2)


async def test_refused_repeats_of_a_few_jobs_never_suspend_the_account(workers, wait):
    for _ in range(2 * THRESHOLD):
        await call(workers[0], repeated(UNAUTHORISED), repeated(THROTTLED), repeated(FAILED))
        await wait(1)
    state = await workers[0].state()
    assert state.account.is_available
    assert state.account.refused == 0


@pytest.mark.parametrize(
    "result", [FAILED, THROTTLED, with_retry_after(THROTTLED, 60), UNAUTHORISED]
)
async def test_a_refusal_among_successes_leaves_account_rate_and_limit_as_they_are(
    workers, wait, result
):
    one, _ = workers
    for _ in range(5):
        await call(one, *[ACCEPTED] * 9, result)
        await call(one, *[ACCEPTED] * 40)
        await wait(1)
    state = await one.state()
    assert state.account.is_available
    assert (state.account.refused, state.allowed_per_minute, state.adaptive_limit_per_minute) == (
        0,
        RATE,
        0,
    )


async def test_one_accepted_call_ends_the_row_of_refusals_for_all_workers(workers, refuse):
    await refuse(FAILED, THRESHOLD - 1)
    await call(workers[1], ACCEPTED)
    assert await refuse(FAILED, THRESHOLD - 1) == 0
    assert (await workers[0].state()).account.refused == THRESHOLD - 1


async def test_simultaneous_refusals_suspend_only_when_they_last(workers, wait):
    one, _ = workers
    calls = await one.reserve(2 * THRESHOLD + 1, within_seconds=0, scope=ISSUING)
    assert await report(one, calls, *[FAILED] * 2 * THRESHOLD) == 0
    await wait(REFUSALS_SPREAD_SECONDS)
    assert await report(one, calls, FAILED) > 0


async def test_workers_with_the_same_refusals_suspend_once_and_one_of_them_logs_it(workers, wait):
    calls = [
        await limiter.reserve(THRESHOLD, within_seconds=0, scope=ISSUING) for limiter in workers
    ]
    await report(workers[0], calls[0], FAILED)
    await wait(REFUSALS_SPREAD_SECONDS)
    pairs = zip(workers, calls, strict=True)
    with capture_logs() as logged:
        await asyncio.gather(
            *(report(limiter, each, *[FAILED] * THRESHOLD) for limiter, each in pairs)
        )
    events = [event for event in logged if event["event"] == "account_suspended"]
    assert [(event["log_level"], event["reason"]) for event in events] == [
        ("warning", FAILED.reason)
    ]


async def test_results_of_calls_from_before_the_suspension_do_not_count(workers, refuse, wait):
    one, other = workers
    old = await other.reserve(10, within_seconds=0, scope=ISSUING)
    await refuse(FAILED, THRESHOLD)
    await report(other, old, ACCEPTED)
    assert (await one.state()).account.availability == "suspended"
    await report(other, old, with_retry_after(THROTTLED, 3_000))
    await wait(60)
    assert (await one.state()).account.availability == "probing"


async def test_after_a_suspension_all_workers_together_make_one_probe_at_a_time(
    workers, refuse, wait
):
    await refuse(FAILED, THRESHOLD)
    await wait(60)
    probes = [await limiter.reserve(10, within_seconds=1, scope=ISSUING) for limiter in workers]
    assert sorted(len(probe.delays_seconds) for probe in probes) == [0, 1]
    assert [probe.held for probe in probes] == ["probing", "suspended"]
    assert [probe.is_probe for probe in probes] == [True, False]
    await wait(2)
    assert await granted(workers[1]) == 1


async def test_an_accepted_probe_makes_the_account_available_for_all(workers, refuse, wait):
    one, other = workers
    await refuse(FAILED, THRESHOLD)
    await wait(60)
    with capture_logs() as logged:
        await call(one, ACCEPTED)
    assert [event["event"] for event in logged] == ["account_available"]
    await wait(1)
    assert await granted(other) == 10
    account = (await other.state()).account
    assert (account.availability, account.reason, account.refused, account.for_seconds) == (
        "available",
        "",
        0,
        0,
    )


async def test_a_failed_probe_keeps_the_account_suspended_and_the_next_is_as_soon(
    workers, refuse, wait
):
    one, other = workers
    await refuse(FAILED, THRESHOLD)
    await wait(60)
    for limiter in (one, other) * 10:
        assert await granted(limiter, 0) == 0
        probe = await call(limiter, FAILED)
        assert probe.is_probe
        assert (await one.state()).account.availability == "probing"
        await wait(2)


async def test_a_retry_after_of_a_probe_extends_the_suspension(workers, refuse, wait):
    one, other = workers
    await refuse(FAILED, THRESHOLD)
    await wait(60)
    assert (await call(one, with_retry_after(THROTTLED, 40))).is_probe
    assert (await other.state()).account.until_seconds == pytest.approx(40, abs=1)
    assert await granted(other) == 0
    await wait(41)
    assert await granted(other) == 1
