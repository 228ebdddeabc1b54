"""After a suspension calls increase soon and gradually, without a burst above the rate."""

from collections import Counter
from functools import partial
from itertools import pairwise

import pytest

from benchmarks.limiter.apis import HardLimit, Job, Outage, Reply
from limiter.feedback_buffer import Verdict
from tests.contract.limiter.build import ACCEPTED, THROTTLED, call, suspend
from tests.unit.limiter.virtual import (
    PER_SECOND,
    RATE,
    accepted,
    limits,
    make_calls,
    refused_share,
    run,
)

BEGIN, END = 10, 40


class LimitedWithOutage(HardLimit):
    """An API that accepts half of our rate and is down for a while."""

    def __init__(self, rng):
        super().__init__(rng, lambda _: PER_SECOND / 2)

    def call(self, job: Job, now: float) -> Reply:
        if BEGIN <= now < END:
            return Reply(0.05, Verdict.FAILED, settles=False)
        return super().call(job, now)


@pytest.fixture(scope="module")
def outage():
    """An API without a readable answer between seconds 10 and 40."""
    record, state = run(partial(Outage, begins=BEGIN, ends=END), 60)
    return record, state


def by_second(times, begin):
    counts = Counter(int(at - begin) for at in times)
    return [counts[second] for second in range(max(counts) + 1)]


async def test_calls_increase_gradually_to_the_earlier_throughput(virtual, limiter):
    await make_calls(virtual, limiter, 10)
    await suspend(limiter, virtual.wait)
    await virtual.wait(10)
    assert (await call(limiter, ACCEPTED)).is_probe
    assert (await limiter.state()).adaptive_limit_reason == "recovery"
    begin = virtual.now
    made = by_second(await make_calls(virtual, limiter, 10), begin)
    assert made[0] <= PER_SECOND / 2
    assert all(sooner <= later + 2 for sooner, later in pairwise(made))
    assert made[-1] == pytest.approx(PER_SECOND, abs=5)
    assert (await limiter.state()).adaptive_limit_per_minute == 0


async def test_without_a_rate_calls_increase_to_the_earlier_throughput_and_are_then_unlimited(
    virtual,
):
    limiter = virtual.worker(rate_per_minute=0)
    await make_calls(virtual, limiter, 10, wanted=5)
    await suspend(limiter, virtual.wait)
    await virtual.wait(10)
    await call(limiter, ACCEPTED)
    assert 0 < len(await make_calls(virtual, limiter, 1)) <= PER_SECOND
    await make_calls(virtual, limiter, 10, wanted=5)
    assert (await limiter.state()).allowed_per_minute == 0


async def test_calls_increase_gradually_after_a_row_of_429s_too(virtual, limiter):
    await make_calls(virtual, limiter, 10)
    await suspend(limiter, virtual.wait, THROTTLED)
    await virtual.wait(10)
    await call(limiter, ACCEPTED)
    begin = virtual.now
    made = by_second(await make_calls(virtual, limiter, 20), begin)
    assert made[0] <= PER_SECOND / 2
    assert made[-1] >= 0.9 * PER_SECOND


async def test_a_recovery_does_not_jump_while_no_calls_are_made(virtual, limiter):
    await make_calls(virtual, limiter, 10)
    await suspend(limiter, virtual.wait)
    await virtual.wait(10)
    await call(limiter, ACCEPTED)
    before = (await limiter.state()).adaptive_limit_per_minute
    await virtual.wait(60)
    await make_calls(virtual, limiter, 0.5, wanted=1)
    assert before <= (await limiter.state()).adaptive_limit_per_minute <= 3 * before


async def test_a_new_row_of_refusals_during_the_recovery_suspends_again(virtual, limiter):
    await make_calls(virtual, limiter, 5)
    await suspend(limiter, virtual.wait)
    await virtual.wait(10)
    await call(limiter, ACCEPTED)
    await suspend(limiter, virtual.wait)
    assert (await limiter.state()).account.availability == "suspended"


def test_a_limit_from_before_the_suspension_is_kept_after_the_recovery():
    record, _ = run(LimitedWithOutage, 60)
    assert accepted(record, END + 10, END + 20) >= 0.9 * PER_SECOND / 2
    assert refused_share(record, END + 5, END + 20) <= 0.05


def test_an_outage_costs_about_a_call_a_second_and_no_job_its_attempts(outage):
    record, _ = outage
    assert 0.3 <= sum(BEGIN + 3 <= at < END for at, _ in record.calls) / (END - BEGIN - 3) <= 1
    assert record.exhausted == 0


def test_traffic_recovers_within_ten_seconds_without_a_burst_above_the_rate(
    outage,
):
    record, state = outage
    assert accepted(record, END + 10, END + 20) >= 0.9 * PER_SECOND
    after = sorted(at for at, _ in record.calls if at >= END)
    assert all(
        after[place + PER_SECOND + 70] - after[place] >= 1
        for place in range(0, len(after) - 200, 20)
    )
    assert state.account.is_available


def test_the_adaptive_limit_of_the_recovery_is_gone_after_it(outage):
    record, state = outage
    assert min(limits(record, END, END + 10)) < RATE
    assert state.adaptive_limit_per_minute == 0
