"""No time window has more calls than allowed, even while results change the limit."""

from bisect import bisect_left
from random import Random

import pytest

from tests.contract.limiter.build import ACCEPTED, FAILED, ISSUING, THROTTLED, report
from tests.unit.limiter.virtual import PER_SECOND, RATE

STEPS, AHEAD_SECONDS = 400, 1.4


@pytest.mark.parametrize("seed", range(3))
async def test_no_window_has_more_calls_than_its_rate_and_limit_allow(virtual, seed):
    rng, starts, allowed = Random(seed), [], []
    workers = [virtual.worker(), virtual.worker()]
    for step in range(STEPS):
        await virtual.wait(rng.uniform(0, 0.4))
        worker = rng.choice(workers)
        calls = await worker.reserve(
            rng.randrange(200),
            within_seconds=rng.uniform(0, 1),
            scope=ISSUING,
            preferred=rng.random() < 0.3,
        )
        starts += [virtual.now + delay for delay in calls.delays_seconds]
        allowed.append((virtual.now, (await worker.state()).allowed_per_minute / 60))
        share = 0.6 if step % 100 < 30 else 0.0
        refused = FAILED if step % 200 < 100 else THROTTLED
        await report(
            worker,
            calls,
            *[refused if rng.random() < share else ACCEPTED for _ in calls.delays_seconds],
        )
    assert min(rate for _, rate in allowed) < 0.8 * PER_SECOND
    assert max(rate for _, rate in allowed) == PER_SECOND
    for begin, seconds, count in windows(sorted(starts)):
        rate = max(rate for at, rate in allowed if begin - AHEAD_SECONDS <= at <= begin + seconds)
        assert count <= rate * seconds + max(1, rate) + 1


def windows(starts):
    for first in range(0, len(starts), 7):
        for seconds in (0.3, 2, 10):
            yield starts[first], seconds, bisect_left(starts, starts[first] + seconds) - first


@pytest.mark.parametrize("rate", [0, 60, RATE])
async def test_a_suspended_account_gets_single_probes_only_however_many_calls_are_wanted(
    virtual, rate
):
    worker, probes = virtual.worker(rate_per_minute=rate, failure_threshold=2), []
    await report(worker, await worker.reserve(1, within_seconds=0, scope=ISSUING), FAILED)
    await virtual.wait(2)
    await report(worker, await worker.reserve(1, within_seconds=0, scope=ISSUING), FAILED)
    for _ in range(200):
        calls = await worker.reserve(100, within_seconds=1, scope=ISSUING, preferred=True)
        probes += [virtual.now] * len(calls.delays_seconds)
        await virtual.wait(0.1)
    assert 8 <= len(probes) <= 20
