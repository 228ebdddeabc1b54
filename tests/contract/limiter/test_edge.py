"""Refusals by the edge: a few in a row suspend the account, and a new account begins slowly."""

import pytest

from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    OTHER,
    REFUSALS_SPREAD_SECONDS,
    call,
    repeated,
    report,
    suspend,
)

BLOCKED = CallResult(Verdict.FAILED, settled=False, reason="HTTP 403 text/html", is_blocked=True)


@pytest.fixture
async def limiter(clients, account) -> RateLimiter:
    return RateLimiter(await clients.redis(), account, rate_per_minute=60_000)


async def refuse(limiter, wait, *results, scope=ISSUING):
    await call(limiter, results[0], scope=scope)
    await wait(REFUSALS_SPREAD_SECONDS)
    return await call(limiter, *results[1:], scope=scope)


async def test_five_jobs_refused_by_the_edge_suspend_the_account_with_what_it_answered(
    limiter, wait
):
    await refuse(limiter, wait, *[BLOCKED] * 4)
    assert (await limiter.state()).account.is_available
    await call(limiter, BLOCKED)
    account = (await limiter.state()).account
    assert (account.availability, account.reason) == ("suspended", "HTTP 403 text/html")


async def test_one_job_that_is_refused_again_and_again_suspends_a_silent_account(limiter, wait):
    await refuse(limiter, wait, BLOCKED, *[repeated(BLOCKED)] * 16)
    assert not (await limiter.state()).account.is_available


async def test_one_job_that_is_refused_among_answers_suspends_nothing(limiter, wait):
    for _ in range(12):
        await refuse(limiter, wait, repeated(BLOCKED), repeated(BLOCKED), ACCEPTED)
    state = await limiter.state()
    assert (state.account.is_available, state.account.refused, state.campaigns) == (True, 0, {})


async def test_a_campaign_that_the_edge_refuses_is_suspended_alone_while_others_are_answered(
    limiter, wait
):
    for _ in range(5):
        await refuse(limiter, wait, BLOCKED, BLOCKED)
        await call(limiter, ACCEPTED, scope=OTHER)
    state = await limiter.state()
    assert (state.account.is_available, list(state.campaigns)) == (True, [ISSUING.campaign_id])
    assert state.campaigns[ISSUING.campaign_id].reason == "HTTP 403 text/html"


async def test_a_probe_that_fails_otherwise_updates_the_reason(limiter, wait):
    seconds = await suspend(limiter, wait)
    assert (await limiter.state()).account.reason == FAILED.reason
    await wait(seconds + 0.5)
    probe = await call(limiter, BLOCKED)
    assert probe.is_probe
    assert (await limiter.state()).account.reason == "HTTP 403 text/html"


async def test_a_grant_says_whether_the_last_call_was_answered(limiter):
    await call(limiter, ACCEPTED)
    assert (await call(limiter, BLOCKED)).others_answered
    assert not (await call(limiter, ACCEPTED)).others_answered
    assert (await call(limiter)).others_answered


async def test_a_probe_says_that_others_are_not_answered(limiter, wait):
    seconds = await suspend(limiter, wait)
    await wait(seconds + 0.5)
    probe = await limiter.reserve(1, within_seconds=0, scope=ISSUING)
    assert (probe.is_probe, probe.others_answered) == (True, False)


@pytest.fixture
async def careful(clients, account) -> RateLimiter:
    return RateLimiter(await clients.redis(), account, rate_per_minute=0, first_calls=10)


async def granted(limiter, count=500):
    return len((await limiter.reserve(count, within_seconds=0, scope=ISSUING)).delays_seconds)


async def test_an_account_that_has_not_answered_gets_a_few_calls_each_second(careful, wait):
    assert [await granted(careful, 4), await granted(careful), await granted(careful)] == [4, 6, 0]
    await wait(1.1)
    assert [await granted(careful), await granted(careful)] == [10, 0]


async def test_the_first_answer_opens_the_account_for_every_worker(careful, clients, account):
    other = RateLimiter(await clients.redis(), account, rate_per_minute=0, first_calls=10)
    first = await careful.reserve(500, within_seconds=0, scope=ISSUING)
    assert (len(first.delays_seconds), await granted(other)) == (10, 0)
    await report(careful, first, ACCEPTED)
    assert await granted(other) == 500


async def test_an_account_that_has_been_silent_for_a_minute_begins_again(careful, wait):
    await call(careful, ACCEPTED)
    await wait(30)
    assert await granted(careful) == 500
    await wait(31)
    assert await granted(careful) == 10


async def test_a_result_that_was_reported_late_does_not_count_as_an_answer_of_now(clients, account):
    now = [100.0]
    late = RateLimiter(
        await clients.redis(), account, rate_per_minute=0, first_calls=10, clock=lambda: now[0]
    )
    first = await late.reserve(1, within_seconds=0, scope=ISSUING)
    late._reported_at = now[0]  # the result waits for the next reservation
    late._watched = False
    assert await late.report(first, ACCEPTED) == 0
    now[0] += 3_600
    assert await granted(late) == 9


async def test_the_wait_for_the_first_answer_is_short(careful):
    await granted(careful)
    reservation = await careful.reserve(1, within_seconds=0, scope=ISSUING)
    assert (reservation.held, reservation.next_free_seconds) == ("", pytest.approx(0.03))
