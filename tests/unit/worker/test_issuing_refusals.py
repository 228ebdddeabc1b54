"""What the results of a chunk's calls do to the account: one job's refusal is that job's, a row of them suspends."""

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


def say(code, http_status):
    """A readable body with its code as the HTTP status too."""
    body = {"status": {"success": False, "code": code, "message": "multiple actions are running"}}
    return Answer(http_status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("reply", "counted", "seconds"),
    [(TOO_MANY, False, (7.0, 8.75)), (UNAUTHORISED, True, (0.0, 2.0)), (TIMEOUT, True, (0.0, 2.0))],
    ids=["429", "401", "no answer"],
)
async def test_a_refusal_of_one_job_is_that_jobs_and_the_others_are_called(
    desk, reply, counted, seconds
):
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
async def test_a_row_of_refused_calls_suspends_the_account_and_sends_the_rest_back(desk, reply):
    desk.api.always, desk.api.latency_seconds = reply, 0.05
    await desk.issue(*jobs(300), max_concurrent=5, start_within_seconds=3)
    assert 5 <= len(desk.attempts) < 300
    assert not (await desk.state()).account.is_available
    assert "calls are suspended" in desk.reasons


async def test_a_suspension_stops_the_jobs_of_this_chunk_that_wait_for_their_place(desk):
    desk.set_up(rate_per_minute=1200, failure_threshold=5)
    desk.api.always, desk.api.latency_seconds = Answer(503, b"", retry_after=60.0), 0.02
    await desk.issue(*jobs(100))
    assert 5 <= len(desk.attempts) <= 40
    assert desk.reasons == {"calls are suspended"}
    assert all(0 < returned.delay_seconds <= 60 for returned in desk.given_back)


@pytest.mark.parametrize("code", READABLE)
async def test_readable_answers_in_a_row_never_suspend_the_account_whatever_they_say(desk, code):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = say(code, code), 0.02
    await desk.issue(*jobs(25), max_concurrent=1)
    assert len(desk.attempts) == 25
    state = await desk.state()
    assert (state.account.is_available, state.account.refused) == (True, 0)


async def test_the_same_answers_without_their_bodies_do_suspend_it(desk):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = Answer(521, say(521, 521).body[:-5]), 0.02
    await desk.issue(*jobs(25), max_concurrent=1, start_within_seconds=1)
    assert not (await desk.state()).account.is_available


async def test_jobs_that_are_refused_again_and_again_never_suspend_the_account(desk):
    desk.set_up(failure_threshold=3)
    desk.api.always, desk.api.latency_seconds = UNAUTHORISED, 0.02
    await desk.issue(*jobs(25, budget_attempts=1), max_concurrent=1)
    assert len(desk.attempts) == 25
    assert (await desk.state()).account.is_available


@pytest.mark.parametrize(
    ("reply", "suspended"), [(refuse(BUSY_CODE), {CAMPAIGN_ID}), (TOO_MANY, set())]
)
async def test_a_campaign_is_suspended_when_nothing_of_it_settles_but_not_for_429s(
    desk, reply, suspended
):
    desk.set_up(failure_threshold=1_000)
    desk.api.always = reply
    await desk.issue(*jobs(10))
    await desk.state()
    key = campaign_key(ACCOUNT, CAMPAIGN_ID)
    if await desk.redis.hexists(key, "refused_at"):
        await desk.redis.hincrby(key, "refused_at", -5_000_000)  # it has gone on for a while
    await desk.issue(*jobs(60, first=101), chunk_id="next")
    await desk.issue(*jobs(20, first=201, budget_attempts=1), chunk_id="repeats")
    assert (await desk.state()).campaigns.keys() == suspended


async def test_a_refused_last_call_is_reported_with_its_chunk(desk):
    desk.api.always = TIMEOUT
    await desk.issue(*jobs(5))
    assert (await RateLimiter(desk.redis, ACCOUNT, rate_per_minute=0).state()).account.refused == 5


async def test_failures_among_answers_leave_the_account_available(desk):
    desk.api.replies = dict.fromkeys(range(24), TIMEOUT)
    await desk.issue(*jobs(25))
    assert (await desk.state()).account.is_available
