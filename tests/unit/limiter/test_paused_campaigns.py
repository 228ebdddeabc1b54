"""How long a worker uses the paused campaigns that it has read."""

import asyncio

from limiter.paused_campaigns import PausedCampaigns


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_paused_campaigns_are_read_again_after_half_a_second(redis):
    clock = Clock()
    worker, operator = PausedCampaigns(redis, "till", clock), PausedCampaigns(redis, "till")
    assert await worker.paused() == frozenset()
    await operator.pause(7)
    clock.now += 0.4
    assert await worker.paused() == frozenset()
    clock.now += 0.2
    assert await worker.paused() == {7}


async def test_what_a_process_pauses_itself_is_paused_there_at_once(redis):
    clock = Clock()
    worker = PausedCampaigns(redis, "till", clock)
    assert await worker.paused() == frozenset()
    await worker.pause((7, "1001"))
    assert await worker.paused() == {(7, "1001")}


async def test_no_call_starts_before_the_paused_campaigns_were_read(redis):
    await PausedCampaigns(redis, "till").pause(7)
    worker = PausedCampaigns(redis, "till")
    assert await asyncio.gather(*(worker.paused() for _ in range(10))) == [{7}] * 10


async def test_paused_campaigns_of_one_account_are_not_those_of_another(redis):
    await PausedCampaigns(redis, "till").pause(7)
    assert await PausedCampaigns(redis, "other till").paused() == frozenset()
