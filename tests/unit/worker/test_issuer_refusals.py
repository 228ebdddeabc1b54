"""The effect of refusals on the account: one affects its job, consecutive ones suspend calls."""

import json

import pytest

from issuance.replies.reply import Answer
from issuance.retry import TryAgain
from limiter.keys import campaign_key
from limiter.rate_limiter import RateLimiter
from tests.contract.ledger.build import BUSY_CODE, NOT_SENT, TIMEOUT, TOO_MANY, refuse
from tests.unit.worker.build import ACCOUNT, CAMPAIGN_ID, claimed

UNAUTHORISED = Answer(401, b"")
READABLE = (408, 425, 461, 500, 502, 503, 504, 520, 521, 522, 523, 524)


def jobs(count, first=1, **changes):
    return [claimed(number, **changes) for number in range(first, first + count)]


def readable(code, http_status):
    """Return a readable reply with this code in its body."""
    body = {"status": {"success": False, "code": code, "message": "multiple actions are running"}}
    return Answer(http_status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("reply", "counted", "seconds"),
    [(TOO_MANY, False, (7.0, 8.75)), (UNAUTHORISED, True, (0.0, 2.0)), (TIMEOUT, True, (0.0, 2.0))],
    ids=["429", "401", "no answer"],
)
async def test_one_refused_call_does_not_stop_the_other_jobs(desk, reply, counted, seconds):
    desk.api.replies[2] = reply
    await desk.issue(*jobs(10), max_concurrent=1)
    decision = desk.attempts[2].decision
    assert isinstance(decision, TryAgain)
    assert decision.counted is counted
    assert seconds[0] <= decision.delay_seconds <= seconds[1]
    assert len(desk.attempts) == 10
    state = await desk.state()
    assert (state.account.is_available, state.account.refused, state.is_held_back) == (
        True,
        0,
        False,
    )


@pytest.mark.parametrize("reply", [TIMEOUT, NOT_SENT, Answer(503, b""), TOO_MANY, UNAUTHORISED])
async def test_consecutive_refused_calls_suspend_the_account_and_the_rest_is_given_back(
    desk, reply
):
    desk.api.always, desk.api.latency_seconds = reply, 0.05
    await desk.issue(*jobs(300), max_concurrent=5, start_within_seconds=3)
    assert 5 <= len(desk.attempts) < 300
    assert not (await desk.state()).account.is_available
    assert "calls are suspended" in desk.reasons


async def test_a_suspension_gives_back_the_chunks_jobs_that_wait_for_a_call_slot(desk):
    desk.set_up(rate_per_minute=1200, failure_threshold=5)
    desk.api.always, desk.api.latency_seconds = Answer(503, b"", retry_after=60.0), 0.02
    await desk.issue(*jobs(100))
    assert 5 <= len(desk.attempts) <= 40
    assert desk.reasons == {"calls are suspended"}
    assert all(0 < returned.delay_seconds <= 60 for returned in desk.given_back)


@pytest.mark.parametrize("code", READABLE)
async def test_consecutive_readable_refusals_never_suspend_the_account(desk, code):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = readable(code, code), 0.02
    await desk.issue(*jobs(25), max_concurrent=1)
    assert len(desk.attempts) == 25
    state = await desk.state()
    assert (state.account.is_available, state.account.refused) == (True, 0)


async def test_the_same_refusals_with_unreadable_bodies_suspend_the_account(desk):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = Answer(521, readable(521, 521).body[:-5]), 0.02
    await desk.issue(*jobs(25), max_concurrent=1, start_within_seconds=1)
    assert not (await desk.state()).account.is_available


async def test_repeated_refusals_of_the_same_jobs_never_suspend_the_account(desk):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = UNAUTHORISED, 0.02
    await desk.issue(*jobs(25, budget_attempts=1), max_concurrent=1)
    assert len(desk.attempts) == 25
    assert (await desk.state()).account.is_available


@pytest.mark.parametrize(
    ("reply", "suspended"), [(refuse(BUSY_CODE), {CAMPAIGN_ID}), (TOO_MANY, set())]
)
async def test_a_campaign_whose_jobs_never_settle_is_suspended_except_for_429s(
    desk, reply, suspended
):
    desk.set_up(failure_threshold=1_000)
    desk.api.always = reply
    await desk.issue(*jobs(10))
    await desk.state()
    key = campaign_key(ACCOUNT, CAMPAIGN_ID)
    if await desk.redis.hexists(key, "refused_at"):
        await desk.redis.hincrby(key, "refused_at", -5_000_000)  # the refusals began earlier
    await desk.issue(*jobs(60, first=101), chunk_id="next")
    await desk.issue(*jobs(20, first=201, budget_attempts=1), chunk_id="repeats")
    assert (await desk.state()).campaigns.keys() == suspended


async def test_refusals_are_reported_by_the_end_of_the_chunk(desk):
    desk.api.always = TIMEOUT
    await desk.issue(*jobs(5))
    assert (await RateLimiter(desk.redis, ACCOUNT, rate_per_minute=0).state()).account.refused == 5


async def test_failures_followed_by_a_readable_reply_leave_the_account_available(desk):
    desk.api.replies = dict.fromkeys(range(24), TIMEOUT)
    await desk.issue(*jobs(25))
    assert (await desk.state()).account.is_available
