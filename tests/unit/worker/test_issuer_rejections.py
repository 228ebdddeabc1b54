"""The reasons not to send a claimed job: each gives it back unsent, with its delay."""

import asyncio
import time
from random import Random

import pytest

from issuance.states import State
from tests.contract.ledger.build import make_job
from tests.unit.worker.build import BOUNDS, CAMPAIGN_ID, claimed
from worker.chunk.admission import Admission


async def test_a_stopping_worker_gives_all_jobs_back_at_once(desk):
    desk.stopping = True
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert [returned.delay_seconds for returned in desk.given_back] == [0.0] * 5
    assert desk.reasons == {"the worker is stopping"}
    assert desk.api.starts == []


async def test_a_worker_stopped_during_a_chunk_finishes_its_calls_and_starts_no_more(desk):
    desk.api.latency_seconds = 0.005

    def stop(call: int) -> None:
        desk.stopping = call >= 2

    desk.api.on_call = stop
    await desk.issue(*(claimed(number) for number in range(1, 11)), max_concurrent=1)
    assert len(desk.attempts) == 3
    assert len(desk.given_back) == 7


async def test_the_jobs_of_a_paused_campaign_are_given_back_unsent(desk):
    await desk.limits.paused_campaigns.pause(CAMPAIGN_ID)
    await desk.issue(claimed(1), claimed(2), claimed(3, campaign_id=CAMPAIGN_ID + 1))
    assert [returned.job.number for returned in desk.given_back] == [1, 2]
    assert desk.reasons == {"the campaign is paused"}
    assert [attempt.job.number for attempt in desk.attempts] == [3]


async def test_a_pause_gives_back_jobs_that_wait_for_a_call_slot(desk):
    desk.set_up(rate_per_minute=60)
    chunk = asyncio.create_task(desk.issue(*(claimed(number) for number in range(1, 6))))
    await desk.api.wait_for_calls(1)
    await desk.limits.paused_campaigns.pause(CAMPAIGN_ID)
    await asyncio.wait_for(chunk, timeout=2)
    assert len(desk.attempts) <= 2
    assert desk.reasons == {"the campaign is paused"}


async def test_nothing_is_sent_when_the_claim_is_about_to_lapse(desk):
    await desk.issue(claimed(1), claimed(2), start_within_seconds=-0.01)
    assert [returned.delay_seconds for returned in desk.given_back] == [0.0, 0.0]
    assert desk.reasons == {"the claim is about to lapse"}


async def test_jobs_still_waiting_when_the_claim_ends_are_given_back(desk):
    desk.api.latency_seconds = 0.3
    await desk.issue(
        *(claimed(number) for number in range(1, 5)), start_within_seconds=0.5, max_concurrent=1
    )
    assert 0 < len(desk.attempts) <= 2
    assert desk.reasons == {"the claim is about to lapse"}


async def test_jobs_beyond_the_rate_are_given_back_until_it_allows_them(desk):
    desk.set_up(rate_per_minute=1)
    await desk.issue(claimed(1), claimed(2), claimed(3))
    assert len(desk.attempts) == 1
    assert desk.reasons == {"the rate is used up"}
    assert [returned.delay_seconds for returned in desk.given_back] == pytest.approx(
        [60, 60], abs=2
    )


async def test_a_slow_rate_gives_no_job_back_for_longer_than_the_lease(desk):
    desk.set_up(rate_per_minute=1)
    await desk.issue(claimed(1), claimed(2), lease_seconds=30)
    assert [returned.delay_seconds for returned in desk.given_back] == [30]


async def test_a_chunk_that_is_broken_off_starts_no_further_call(desk):
    issuing = desk.issuing(*(claimed(number) for number in range(1, 6)), max_concurrent=1)
    desk.api.on_call = lambda _: issuing.break_off()
    await issuing.run()
    assert len(desk.attempts) == 1
    assert desk.reasons == {"the chunk is broken off"}


CLOSED = "the campaign's window is closed"


async def test_no_call_starts_in_a_closed_window(desk):
    closed = time.monotonic() - 0.001
    await desk.issue(claimed(1), claimed(2, fallback=State.IN_DOUBT), closes_at=closed)
    assert {(each.delay_seconds, each.because) for each in desk.given_back} == {(0.0, CLOSED)}
    assert len(desk.given_back) == 2
    assert desk.api.starts == []


async def test_jobs_that_still_wait_when_the_window_closes_are_given_back(desk):
    desk.api.latency_seconds = 0.2
    closes = time.monotonic() + 0.5
    await desk.issue(
        *(claimed(number) for number in range(1, 9)), closes_at=closes, max_concurrent=1
    )
    assert 0 < len(desk.attempts) <= 3
    assert len(desk.attempts) + len(desk.given_back) == 8
    assert max(desk.api.starts) < closes
    assert desk.reasons == {CLOSED}


async def test_no_call_slot_is_awaited_beyond_the_end_of_the_window(desk):
    desk.set_up(rate_per_minute=60)  # a call a second
    closes = time.monotonic() + 1.2
    await desk.issue(*(claimed(number) for number in range(1, 5)), closes_at=closes)
    assert time.monotonic() < closes + 0.5
    assert max(desk.api.starts) < closes
    assert len(desk.attempts) + len(desk.given_back) == 4


async def test_a_probe_does_not_pass_a_closed_window(desk):
    await desk.suspend(0)
    await desk.issue(claimed(1), closes_at=time.monotonic() - 0.001)
    assert desk.reasons == {CLOSED}


async def test_the_jobs_of_a_stopped_reward_are_given_back_and_others_are_sent(desk):
    await desk.limits.paused_campaigns.pause((CAMPAIGN_ID, "9999"))
    dead = make_job(2, rewards=(9999,))
    await desk.issue(
        claimed(1), claimed(2, job=dead), claimed(3, job=make_job(3, rewards=(1001, 9999)))
    )
    assert sorted(returned.job.number for returned in desk.given_back) == [2, 3]
    assert desk.reasons == {"its reward is stopped"}
    assert [attempt.job.number for attempt in desk.attempts] == [1]


@pytest.mark.parametrize(("closes_in", "has_slot"), [(-0.001, False), (30.0, True)])
async def test_a_job_gets_no_slot_for_a_further_read_after_its_window(desk, closes_in, has_slot):
    admission = Admission(
        desk.limits,
        BOUNDS,
        campaign_id=CAMPAIGN_ID,
        is_stopping=lambda: False,
        rng=Random(1),
        closes_at=time.monotonic() + closes_in,
    )
    assert (await admission.take_read_slot() is not None) is has_slot
