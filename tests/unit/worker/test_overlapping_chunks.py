"""Overlapping chunks of one child: a slow call holds only its place and its customer."""

import asyncio

import pytest

from issuance.outcome import Kind
from limiter.rate_limiter import RateLimiter
from tests.unit.worker.build import FINGERPRINTS, claimed, settles
from worker.chunk.places import Places


def _customer(number: int) -> str:
    return claimed(number).customer.value


@pytest.fixture
def begin(desk):
    """Return a function that begins a chunk; check that all chunks end with the test."""
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


async def test_the_next_chunk_uses_the_free_places(desk, begin):
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


async def test_one_slow_call_in_each_of_many_chunks_leaves_places_for_the_others(desk, begin):
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


async def test_customers_are_unlocked_as_their_calls_end_and_the_slow_one_stays_locked(desk, begin):
    desk.api.slow = {_customer(2)}
    chunk = begin(1, 2, 3, chunk_id="first")
    await settles(lambda: desk.handed_over and len(desk.attempts) == 2)
    locked = [FINGERPRINTS.of(claimed(number).customer) for number in (1, 2, 3)]

    async def are_free():
        return await desk.limits.locks.acquire("second", locked, 60) == {locked[0], locked[2]}

    await settles(are_free)
    desk.api.let_go.set()
    await chunk
    assert await desk.limits.locks.acquire("second", locked, 60) == set(locked)


async def test_a_customer_has_one_call_at_a_time_across_the_chunks_of_a_child(desk, begin):
    desk.api.slow = {_customer(1)}
    first = begin(1, 2, chunk_id="first")
    await settles(lambda: desk.handed_over)
    await desk.issuing(claimed(101, customer=1), claimed(3), chunk_id="second").run()
    assert [returned.job.number for returned in desk.given_back] == [101]
    assert desk.reasons == {"another call for this customer is running"}
    desk.api.let_go.set()
    await first
    assert desk.api.most_of_a_customer == 1


async def test_jobs_behind_their_customers_slow_call_do_not_delay_the_hand_over(
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


async def test_a_chunk_with_too_many_jobs_behind_one_customer_is_not_handed_over(desk):
    desk.places = Places(4)
    desk.api.slow = {_customer(1)}
    crowd = [claimed(100 + number, customer=1) for number in range(4)]
    chunk = asyncio.create_task(desk.issuing(*crowd).run())
    await desk.api.wait_for_calls(1)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_losing_redis_gives_jobs_back_without_waiting_for_a_slow_call(desk, begin):
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


async def test_a_stopping_worker_takes_no_next_chunk(desk, begin):
    desk.api.slow = {_customer(1)}
    desk.api.on_call = lambda _: setattr(desk, "stopping", True)
    chunk = begin(1, 2)
    await settles(lambda: desk.given_back)
    await asyncio.sleep(0.05)
    assert desk.handed_over == []
    desk.api.let_go.set()
    await chunk


async def test_jobs_whose_worker_died_run_without_other_calls_in_their_child(desk, begin):
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


async def test_jobs_whose_worker_died_are_given_back_if_this_one_stops_before_they_begin(
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


class _Counting(RateLimiter):
    """A limiter that remembers how many calls each reservation asked for."""

    counts: list[int]

    async def reserve(self, count, **options):
        self.counts.append(count)
        return await super().reserve(count, **options)


async def test_call_slots_are_reserved_for_half_as_many_jobs_again_as_there_are_places(desk):
    desk.set_up(limiter=_Counting)
    desk.limiter.counts = []
    desk.places, desk.api.latency_seconds = Places(10), 0.002
    await desk.issue(*(claimed(number) for number in range(1, 101)))
    assert desk.limiter.counts[0] == 15
    assert max(desk.limiter.counts[1:]) <= 15
    assert sum(desk.limiter.counts) == 100
    assert desk.api.most_running == 10


async def test_all_places_are_free_after_a_chunk(desk):
    desk.places = Places(3)
    desk.api.replies[4] = ZeroDivisionError("a bug")
    desk.stopping = False
    await desk.issue(*(claimed(number, customer=number % 5 + 1) for number in range(1, 21)))
    assert (desk.places.reserved.value, desk.places.unfinished.value) == (0, 0)
    assert not desk.places.calls.locked()


async def test_a_chunk_that_never_began_leaves_no_count(desk):
    desk.server.connected = False
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert (desk.places.reserved.value, desk.places.unfinished.value) == (0, 0)


async def test_with_several_accounts_a_chunk_is_handed_over_once_its_next_job_must_wait(
    desk, begin
):
    desk.places = Places(2)
    desk.api.slow = {_customer(number) for number in range(1, 9)}
    chunk = begin(*range(1, 9), chunk_id="first", eager=True)
    await settles(lambda: desk.handed_over == ["first"])
    assert len(desk.api.starts) == 2
    # The next chunk of this account finds no place, and is handed over at once.
    another = begin(11, chunk_id="second", eager=True)
    await settles(lambda: desk.handed_over == ["first", "second"])
    desk.api.let_go.set()
    await asyncio.gather(chunk, another)
    assert len(desk.attempts) == 9


async def test_with_several_accounts_a_chunk_is_handed_over_while_it_waits_for_its_rate(
    desk, begin
):
    desk.set_up(rate_per_minute=120)
    chunk = begin(*range(1, 5), chunk_id="first", eager=True)
    await settles(lambda: desk.handed_over == ["first"])
    assert len(desk.api.starts) < 4
    await chunk
    assert len(desk.attempts) == 4


async def test_a_slow_accounts_calls_leave_the_places_of_others_free(desk, begin):
    slow, fast = Places(2), Places(2)
    fast.of_child = slow.of_child
    desk.places, desk.api.slow = slow, {_customer(1), _customer(2)}
    stuck = begin(1, 2, chunk_id="slow", eager=True)
    await settles(lambda: desk.handed_over == ["slow"])
    desk.places = fast
    await begin(*range(11, 31), chunk_id="fast", eager=True)
    assert len(desk.attempts) == 20
    assert (slow.unfinished.value, fast.unfinished.value, fast.of_child.value) == (2, 0, 2)
    desk.api.let_go.set()
    await stuck
