"""Chunks of one child that overlap: a slow call holds its place and its customer, and nothing else."""

import asyncio

import pytest

from issuance.outcome import Kind
from limiter.rate_limiter import RateLimiter
from tests.unit.worker.build import claimed, settles
from worker.chunk.places import Places


def _customer(number: int) -> str:
    return claimed(number).customer.value


@pytest.fixture
def begin(desk):
    """Begin a chunk, which ends after the test at the latest."""
    begun = []

    def begin(*numbers, **options):
        chunk = asyncio.create_task(
            desk.issuing(*(claimed(number) for number in numbers), **options).run()
        )
        begun.append(chunk)
        return chunk

    yield begin
    assert all(chunk.done() for chunk in begun)


async def test_a_chunk_is_handed_over_while_its_slow_call_is_open(desk, begin):
    desk.api.slow = {_customer(3)}
    chunk = begin(*range(1, 9), chunk_id="first")
    await settles(lambda: desk.handed_over == ["first"] and len(desk.attempts) == 7)
    assert not chunk.done()
    desk.api.let_go.set()
    await chunk
    assert len(desk.attempts) == 8


async def test_the_next_chunk_is_issued_over_the_places_that_are_free(desk, begin):
    desk.places = Places(4)
    desk.api.slow, desk.api.latency_seconds = {_customer(1), _customer(2)}, 0.002
    first = begin(*range(1, 9), chunk_id="first")
    await settles(lambda: desk.handed_over)
    await begin(*range(11, 31), chunk_id="second")
    assert len(desk.attempts) == 26
    assert desk.api.most_running == 4
    assert not first.done()
    desk.api.let_go.set()
    await first


async def test_slow_calls_of_many_chunks_leave_the_others_their_places(desk, begin):
    desk.places = Places(20)
    chunks = []
    for number in range(1, 11):
        slow = number * 100
        desk.api.slow.add(_customer(slow))
        chunks.append(begin(*range(slow, slow + 30), chunk_id=f"chunk {number}"))
        await settles(lambda: len(desk.handed_over) == len(chunks))
    await settles(lambda: len(desk.attempts) == 10 * 29)
    assert desk.api.running.total() == 10
    assert desk.api.most_running <= 20
    desk.api.let_go.set()
    await asyncio.gather(*chunks)
    assert {attempt.outcome.kind for attempt in desk.attempts} == {Kind.ISSUED}


async def test_a_chunk_is_not_handed_over_while_a_job_waits_for_a_place(desk, begin):
    desk.places = Places(2)
    desk.api.slow = {_customer(1), _customer(2)}
    chunk = begin(1, 2, 3)
    await desk.api.wait_for_calls(2)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_a_chunk_is_not_handed_over_while_no_place_is_free(desk, begin):
    desk.places = Places(2)
    desk.api.slow = {_customer(1), _customer(2)}
    chunk = begin(1, 2)
    await desk.api.wait_for_calls(2)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_the_customers_of_calls_that_have_ended_are_free_and_that_of_the_slow_one_is_not(
    desk, begin
):
    desk.api.slow = {_customer(2)}
    chunk = begin(1, 2, 3, chunk_id="first")
    await settles(lambda: desk.handed_over and len(desk.attempts) == 2)
    locked = [claimed(number).customer.fingerprint for number in (1, 2, 3)]

    async def are_free():
        return await desk.limits.locks.acquire("second", locked, 60) == {locked[0], locked[2]}

    await settles(are_free)
    desk.api.let_go.set()
    await chunk
    assert await desk.limits.locks.acquire("second", locked, 60) == set(locked)


async def test_a_customer_has_one_call_at_a_time_over_all_chunks_of_a_child(desk, begin):
    desk.api.slow = {_customer(1)}
    first = begin(1, 2, chunk_id="first")
    await settles(lambda: desk.handed_over)
    await desk.issuing(claimed(101, customer=1), claimed(3), chunk_id="second").run()
    assert [returned.job.number for returned in desk.given_back] == [101]
    assert desk.reasons == {"another call for this customer is running"}
    desk.api.let_go.set()
    await first
    assert desk.api.most_of_a_customer == 1


async def test_jobs_that_wait_for_the_slow_call_of_their_own_customer_do_not_hold_up_the_chunk(
    desk,
):
    desk.places = Places(4)
    desk.api.slow = {_customer(1)}
    crowd = [claimed(100 + number, customer=1) for number in range(3)]
    chunk = asyncio.create_task(desk.issuing(*crowd, claimed(2), chunk_id="first").run())
    await settles(lambda: desk.handed_over)
    assert len(desk.api.starts) == 2
    desk.api.let_go.set()
    await chunk
    assert len(desk.attempts) == 4
    assert desk.api.most_of_a_customer == 1


async def test_too_many_jobs_that_wait_for_their_customer_are_not_carried(desk):
    desk.places = Places(4)
    desk.api.slow = {_customer(1)}
    crowd = [claimed(100 + number, customer=1) for number in range(4)]
    chunk = asyncio.create_task(desk.issuing(*crowd).run())
    await desk.api.wait_for_calls(1)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_jobs_that_lose_their_limits_do_not_wait_for_a_slow_call(desk, begin):
    desk.set_up(rate_per_minute=600)
    desk.api.slow = {_customer(1)}
    chunk = begin(*range(1, 31))
    await desk.api.wait_for_calls(1)
    desk.server.connected = False
    await settles(lambda: len(desk.results) == 29)
    assert not chunk.done()
    desk.server.connected = True
    desk.api.let_go.set()
    await chunk


async def test_a_worker_that_stops_takes_no_next_chunk(desk, begin):
    desk.api.slow = {_customer(1)}
    desk.api.on_call = lambda _: setattr(desk, "stopping", True)
    chunk = begin(1, 2)
    await settles(lambda: desk.given_back)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_jobs_that_have_lost_a_worker_share_the_child_with_no_other_calls(desk, begin):
    desk.api.slow = {_customer(1), _customer(12)}
    other = begin(1, chunk_id="other")
    await settles(lambda: desk.handed_over == ["other"])
    lost = asyncio.create_task(
        desk.issuing(claimed(11, claims=2), claimed(12), chunk_id="lost").run()
    )
    await asyncio.sleep(0.3)
    assert len(desk.api.starts) == 1
    desk.api.slow.discard(_customer(12))
    desk.api.let_go.set()
    await asyncio.gather(lost, other)
    assert len(desk.attempts) == 3
    assert desk.handed_over == ["other"]


async def test_jobs_that_have_lost_a_worker_go_back_when_the_worker_stops_before_they_begin(
    desk, begin
):
    desk.api.slow = {_customer(1)}
    other = begin(1, chunk_id="other")
    await settles(lambda: desk.handed_over)
    lost = asyncio.create_task(desk.issuing(claimed(11, claims=2), chunk_id="lost").run())
    await asyncio.sleep(0.05)
    desk.stopping = True
    await asyncio.wait_for(lost, 2)
    assert desk.reasons == {"the worker is stopping"}
    desk.api.let_go.set()
    await other


class _Watched(RateLimiter):
    """Limits that remember how many calls each reservation was for."""

    counts: list[int]

    async def reserve(self, count, **options):
        self.counts.append(count)
        return await super().reserve(count, **options)


async def test_call_slots_are_reserved_for_a_few_more_jobs_than_there_are_places(desk):
    desk.set_up(limiter=_Watched)
    desk.limiter.counts = []
    desk.places, desk.api.latency_seconds = Places(10), 0.002
    await desk.issue(*(claimed(number) for number in range(1, 101)))
    assert desk.limiter.counts[0] == 15
    assert max(desk.limiter.counts[1:]) <= 15
    assert sum(desk.limiter.counts) == 100
    assert desk.api.most_running == 10


async def test_places_and_call_slots_are_all_free_after_the_chunks(desk):
    desk.places = Places(3)
    desk.api.replies[4] = ZeroDivisionError("a bug")
    desk.stopping = False
    await desk.issue(*(claimed(number, customer=number % 5 + 1) for number in range(1, 21)))
    assert (desk.places.reserved.value, desk.places.unfinished.value) == (0, 0)
    assert not desk.places.calls.locked()


async def test_nothing_stays_counted_of_a_chunk_that_never_began(desk):
    desk.server.connected = False
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert (desk.places.reserved.value, desk.places.unfinished.value) == (0, 0)
