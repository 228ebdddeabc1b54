"""Issuing a chunk while Redis or our code fails: outcomes are kept, the rest is given back."""

import asyncio

import pytest
from structlog.testing import capture_logs

from issuance.outcome import Kind
from limiter.rate_limiter import RateLimiter
from tests.unit.worker.build import claimed


async def test_without_redis_all_jobs_are_given_back_unsent_for_a_few_seconds(desk):
    desk.server.connected = False
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert [returned.delay_seconds for returned in desk.given_back] == [5.0] * 5
    assert desk.reasons == {"the limits are unavailable"}
    assert desk.api.starts == []


async def test_losing_redis_between_two_reservations_keeps_the_outcomes_of_open_calls(desk):
    desk.set_up(rate_per_minute=600)
    desk.api.held.clear()
    chunk = asyncio.create_task(desk.issue(*(claimed(number) for number in range(1, 31))))
    await desk.api.wait_for_calls(10)
    desk.server.connected = False
    await asyncio.sleep(0.3)
    desk.api.held.set()
    await chunk
    assert len(desk.attempts) >= 10
    assert {attempt.outcome.kind for attempt in desk.attempts} == {Kind.ISSUED}
    assert len(desk.attempts) + len(desk.given_back) == 30
    assert desk.reasons == {"the limits are unavailable"}


async def test_losing_redis_during_the_last_calls_keeps_every_outcome(desk):
    desk.api.on_call = lambda call: setattr(desk.server, "connected", call < 4)
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert len(desk.attempts) == 5


async def test_jobs_still_waiting_for_a_place_when_redis_is_lost_are_given_back(desk):
    desk.api.latency_seconds = 0.3
    desk.api.on_call = lambda _: setattr(desk.server, "connected", False)
    await desk.issue(*(claimed(number) for number in range(1, 9)), max_concurrent=2)
    assert len(desk.attempts) + len(desk.given_back) == 8
    assert len(desk.attempts) >= 2
    assert desk.reasons == {"the limits are unavailable"}


async def test_losing_redis_is_logged_once_a_chunk(desk):
    desk.api.latency_seconds = 0.3
    desk.api.on_call = lambda _: setattr(desk.server, "connected", False)
    with capture_logs() as events:
        await desk.issue(*(claimed(number) for number in range(1, 20)), max_concurrent=2)
    assert [event["event"] for event in events].count("limits_unavailable") == 1


async def test_an_exception_in_one_call_leaves_its_job_claimed_and_the_others_unaffected(desk):
    desk.api.replies[3] = ZeroDivisionError("a bug")
    desk.api.latency_seconds = 0.005
    with capture_logs() as events:
        await desk.issue(*(claimed(number) for number in range(1, 9)))
    assert {attempt.job.number for attempt in desk.attempts} == {1, 2, 3, 5, 6, 7, 8}
    assert desk.given_back == []
    (event,) = [event for event in events if event["event"] == "call_failed"]
    assert event["request_id"] == claimed(4).id


class _Breaking(RateLimiter):
    """A limiter whose second reservation raises."""

    reservations = 0

    async def reserve(self, count, **options):
        self.reservations += 1
        if self.reservations > 1:
            raise ZeroDivisionError
        return await super().reserve(count, **options)


async def test_an_exception_between_calls_keeps_their_outcomes_and_gives_the_rest_back(desk):
    desk.set_up(rate_per_minute=600, limiter=_Breaking)
    desk.api.latency_seconds = 0.3
    with pytest.raises(ZeroDivisionError):
        await desk.issue(*(claimed(number) for number in range(1, 31)))
    assert len(desk.attempts) >= 6
    assert len(desk.attempts) + len(desk.given_back) == 30
    assert desk.reasons == {"the chunk broke off"}
