"""The places of a child: how many call slots its jobs may reserve, and when."""

import asyncio

from worker.chunk.places import Gauge, Places


async def test_a_gauge_wakes_the_waiters_whose_value_it_has_reached():
    gauge = Gauge()
    gauge.rise(5)
    early, late = (asyncio.create_task(gauge.falls_to(most)) for most in (3, 1))
    await asyncio.sleep(0)
    gauge.fall(2)
    assert await early
    assert not late.done()
    gauge.fall(2)
    assert await late


async def test_waiting_for_a_gauge_ends_after_the_given_time():
    gauge = Gauge()
    gauge.rise()
    assert not await gauge.falls_to(0, within_seconds=0.01)
    gauge.fall()
    assert await gauge.falls_to(0, within_seconds=0.01)


async def test_half_as_many_call_slots_again_as_places_are_reserved():
    places = Places(100)
    assert await places.room(1_000, within_seconds=1) == 150
    places.reserved.rise(130)
    assert await places.room(10, within_seconds=0) == 10
    assert await places.room(20, within_seconds=0) == 20


async def test_call_slots_are_refilled_in_large_batches():
    places = Places(100)
    places.reserved.rise(150)
    waiting = asyncio.create_task(places.room(1_000, within_seconds=5))
    await asyncio.sleep(0)
    for _ in range(39):
        places.reserved.fall()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    places.reserved.fall()
    assert await waiting == 40


async def test_the_last_few_jobs_get_room_as_soon_as_there_is_enough():
    places = Places(100)
    places.reserved.rise(150)
    waiting = asyncio.create_task(places.room(2, within_seconds=5))
    await asyncio.sleep(0)
    places.reserved.fall(2)
    assert await waiting == 2


async def test_without_room_no_slot_is_given():
    places = Places(1)
    places.reserved.rise(2)
    assert await places.room(5, within_seconds=0.01) == 0


async def test_one_place_carries_nothing_and_larger_numbers_keep_one_in_twenty_free():
    assert [Places(count).carried_most for count in (1, 2, 10, 100, 1_000)] == [0, 1, 9, 95, 950]
