"""Issuing a chunk within the account's rate, and the latencies that it reports."""

import asyncio
from dataclasses import replace

import pytest

from issuance.replies.reply import Answer
from issuance.states import State
from limiter.keys import limits_key
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope
from tests.contract.ledger.build import TIMEOUT, TOO_MANY
from tests.unit.worker.build import ACCOUNT, CAMPAIGN_ID, claimed
from worker.loop_lag import IdleSelector, LoopLag

UNAUTHORISED = Answer(401, b"")
SCOPE = Scope(CAMPAIGN_ID)


def jobs(count, **changes):
    return [claimed(number, **changes) for number in range(1, count + 1)]


async def baseline(desk):
    """Return the limiter's baseline latency, in microseconds."""
    return float(await desk.redis.hget(limits_key(ACCOUNT), "baseline") or 0)


async def test_calls_start_no_earlier_than_their_call_slots(desk):
    desk.set_up(rate_per_minute=1200)
    await desk.issue(*jobs(30))
    first, *_ = starts = desk.api.starts
    too_early = [
        slot for slot, start in enumerate(starts) if start - first < (slot - 20) * 0.05 - 0.02
    ]
    assert len(starts) == 30
    assert too_early == []


async def test_a_blast_leaves_a_call_slot_for_a_request_a_second_later(desk):
    desk.set_up(rate_per_minute=120)
    chunk = asyncio.create_task(desk.issue(*jobs(30)))
    await desk.api.wait_for_calls(1)
    other = RateLimiter(desk.redis, ACCOUNT, rate_per_minute=120)
    reservation = await other.reserve(1, within_seconds=1.0, scope=Scope(CAMPAIGN_ID + 1))
    desk.stopping = True
    await chunk
    assert len(reservation.delays_seconds) == 1


async def test_unused_call_slots_are_returned(desk):
    desk.set_up(rate_per_minute=600)
    desk.api.on_call = lambda _: setattr(desk, "stopping", True)
    await desk.issue(*jobs(10), max_concurrent=1)
    assert len(desk.attempts) == 1
    assert (
        len(
            (
                await desk.limiter.reserve(10, within_seconds=0.0, preferred=True, scope=SCOPE)
            ).delays_seconds
        )
        >= 9
    )


async def test_the_latency_of_readable_replies_is_reported(desk):
    desk.api.latency_seconds = 0.05
    await desk.issue(*jobs(10))
    await desk.state()
    assert await baseline(desk) >= 50_000


async def test_latencies_measured_on_a_late_event_loop_are_not_reported(desk):
    desk.limits.loop_lag.seconds = 1.0
    await desk.issue(*jobs(10))
    await desk.state()
    assert await baseline(desk) == 0


async def test_latencies_measured_on_a_busy_event_loop_are_not_reported(desk):
    never_idle = LoopLag(IdleSelector())
    desk.limits = replace(desk.limits, loop_lag=never_idle)
    desk.api.latency_seconds = 0.05
    await desk.issue(*jobs(10))
    await desk.state()
    assert await baseline(desk) == 0


async def test_the_latency_of_reads_is_not_reported(desk):
    await desk.issue(claimed(1, fallback=State.IN_DOUBT))
    await desk.state()
    assert await baseline(desk) == 0


@pytest.mark.parametrize("reply", [TIMEOUT, TOO_MANY, UNAUTHORISED])
async def test_the_latency_of_unreadable_replies_is_not_reported(desk, reply):
    desk.api.always = reply
    await desk.issue(*jobs(5))
    await desk.state()
    assert await baseline(desk) == 0
