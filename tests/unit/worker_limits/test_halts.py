"""How long a worker goes by the halts it knows."""

import asyncio

from limiter.paused_campaigns import Halts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_halts_are_asked_anew_after_half_a_second(redis):
    clock = Clock()
    worker, operator = Halts(redis, "till", clock), Halts(redis, "till")
    assert await worker.halted() == frozenset()
    await operator.halt(7)
    clock.now += 0.4
    assert await worker.halted() == frozenset()
    clock.now += 0.2
    assert await worker.halted() == {7}


async def test_nobody_goes_by_halts_that_were_never_read(redis):
    await Halts(redis, "till").halt(7)
    worker = Halts(redis, "till")
    assert await asyncio.gather(*(worker.halted() for _ in range(10))) == [{7}] * 10


async def test_halts_of_one_account_are_not_those_of_another(redis):
    await Halts(redis, "till").halt(7)
    assert await Halts(redis, "other till").halted() == frozenset()
