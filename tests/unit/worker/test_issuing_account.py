"""A chunk within the account's limits: its rate, and answers that are about the account instead of the job."""

import asyncio

import pytest

from issuance.replies.reply import Answer
from issuance.retry import TryAgain
from issuance.states import State
from limiter.keys import limits_key
from limiter.rate_limiter import AccountLimits
from tests.contract.ledger.build import NOT_SENT, TIMEOUT, TOO_MANY
from tests.unit.worker.build import ACCOUNT, claimed

UNAUTHORISED = Answer(401, b"")


async def test_calls_start_no_earlier_than_their_places_in_the_rate(desk):
    desk.set_up(rate_per_minute=1200)
    await desk.issue(*(claimed(number) for number in range(1, 31)))
    first, *_ = starts = desk.api.starts
    too_early = [place for place, start in enumerate(starts) if start - first < (place - 20) * 0.05 - 0.02]
    assert len(starts) == 30
    assert too_early == []


async def test_a_blast_leaves_room_for_a_request_that_comes_a_second_later(desk):
    desk.set_up(rate_per_minute=120)
    chunk = asyncio.create_task(desk.issue(*(claimed(number) for number in range(1, 31))))
    await desk.api.wait_for_calls(1)
    other = AccountLimits(desk.redis, ACCOUNT, rate_per_minute=120)
    reservation = await other.reserve(1, within_seconds=2.1)
    desk.stopping = True
    await chunk
    assert len(reservation.delays_seconds) == 1


async def test_what_is_not_used_of_a_reservation_is_there_for_others(desk):
    desk.set_up(rate_per_minute=600)
    desk.api.on_call = lambda _: setattr(desk, "stopping", True)
    await desk.issue(*(claimed(number) for number in range(1, 11)), max_concurrent=1)
    assert len(desk.attempts) == 1
    assert len((await desk.limits.reserve(10, within_seconds=0.0, preferred=True)).delays_seconds) >= 9


@pytest.mark.parametrize(("reply", "seconds"), [(TOO_MANY, 7.0), (UNAUTHORISED, 3.75)])
async def test_an_answer_about_the_account_closes_it_for_everybody_and_uses_up_no_attempt(desk, reply, seconds):
    desk.api.replies[2] = reply
    await desk.issue(*(claimed(number) for number in range(1, 11)), max_concurrent=1)
    decision = desk.attempts[2].decision
    assert isinstance(decision, TryAgain)
    assert not decision.counted
    assert len(desk.attempts) == 3
    assert desk.reasons == {"the account is closed"}
    assert all(0 < returned.delay_seconds <= 7 for returned in desk.given_back)
    assert await AccountLimits(desk.redis, ACCOUNT, rate_per_minute=0).closed_seconds() == pytest.approx(
        seconds, abs=1.5
    )


async def test_each_closing_in_a_row_lasts_longer_when_the_api_names_no_time(desk):
    await desk.redis.hset(limits_key(ACCOUNT), mapping={"closings": 4})
    desk.api.always = UNAUTHORISED
    await desk.issue(claimed(1), max_concurrent=1)
    assert await desk.closed_seconds() >= 5 * 2**4 / 2 - 1


@pytest.mark.parametrize("reply", [TIMEOUT, NOT_SENT, Answer(503, b"")])
async def test_many_failures_in_a_row_close_the_account(desk, reply):
    desk.api.always = reply
    await desk.issue(*(claimed(number) for number in range(1, 26)))
    assert len(desk.attempts) == 25
    assert await desk.closed_seconds() > 0


async def test_a_closing_by_failures_stops_the_jobs_of_this_chunk_that_wait_for_their_place(desk):
    desk.set_up(rate_per_minute=1200)
    desk.api.always = TIMEOUT
    await desk.issue(*(claimed(number) for number in range(1, 101)))
    # 19 are granted at once: two thirds of the burst, and 0.3 seconds ahead. What was reserved then must not be sent.
    assert 18 <= len(desk.attempts) <= 30
    assert desk.reasons == {"the account is closed"}


async def test_a_429_halves_the_calls_once_however_many_calls_are_told_so(desk):
    desk.set_up(rate_per_minute=6_000)
    desk.api.replies = dict.fromkeys(range(20, 30), TOO_MANY)
    await desk.issue(*(claimed(number) for number in range(1, 101)))
    state = await desk.limits.state()
    assert (state.closings, state.ceiling_why) == (1, "code 429")
    assert state.ceiling_per_minute == pytest.approx(6_000 / 2 / 16, rel=0.5)


async def test_how_long_answers_take_is_told_with_the_next_reservation(desk):
    desk.api.latency_seconds = 0.05
    await desk.issue(*(claimed(number) for number in range(1, 11)))
    await desk.issue(claimed(11), chunk_id="next")
    assert float(await desk.redis.hget(limits_key(ACCOUNT), "usual")) >= 50_000


async def test_what_a_look_takes_is_not_told(desk):
    await desk.issue(claimed(1, look_up=State.IN_DOUBT))
    await desk.issue(claimed(2), chunk_id="next")
    assert await desk.redis.hget(limits_key(ACCOUNT), "usual") is None


async def test_failures_among_answers_leave_the_account_open(desk):
    desk.api.replies = dict.fromkeys(range(24), TIMEOUT)
    await desk.issue(*(claimed(number) for number in range(1, 26)))
    assert await desk.closed_seconds() == 0
