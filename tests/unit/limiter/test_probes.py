"""Probes of a suspended account, in virtual time: regular, of both kinds, one at a time."""

from itertools import pairwise

import pytest

from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    THROTTLED,
    report,
    suspend,
    with_retry_after,
)
from tests.unit.limiter.virtual import granted

STEP = 0.1


@pytest.fixture
def probe(virtual):
    """Ask for calls of the given kinds all the time; return the time and kind of each probe."""

    async def make_probes(limiter, seconds, kinds=(False, True), result=FAILED):
        probes, until = [], virtual.now + seconds
        while virtual.now < until:
            for is_repeat in kinds:
                reservation = await limiter.reserve(
                    10, within_seconds=0.3, scope=ISSUING, is_repeat=is_repeat
                )
                if granted(reservation):
                    assert reservation.is_probe
                    assert granted(reservation) == 1
                    probes.append((virtual.now, is_repeat))
                    await report(limiter, reservation, result)
            await virtual.wait(STEP)
        return probes

    return make_probes


def gaps(probes):
    return [later - sooner for (sooner, _), (later, _) in pairwise(probes)]


@pytest.mark.parametrize(
    "kinds", [(False,), (True,), (False, True)], ids=["new jobs", "repeats", "both"]
)
async def test_a_probe_is_made_at_least_every_two_seconds_however_long_the_outage(
    virtual, limiter, probe, kinds
):
    await suspend(limiter, virtual.wait)
    probes = await probe(limiter, 60, kinds)
    assert max(gaps(probes)) <= 2.0 + STEP
    await virtual.wait(36_000)
    probes = await probe(limiter, 30, kinds)
    assert max(gaps(probes)) <= 2.0 + STEP


async def test_there_is_at_most_one_probe_a_second(virtual, limiter, probe):
    await suspend(limiter, virtual.wait)
    assert min(gaps(await probe(limiter, 60))) >= 1.0


async def test_the_time_between_probes_varies_so_that_accounts_do_not_probe_together(
    virtual, limiter, probe
):
    await suspend(limiter, virtual.wait)
    assert len({round(gap, 1) for gap in gaps(await probe(limiter, 60))}) > 2


async def test_probes_alternate_between_new_jobs_and_jobs_that_failed_before(
    virtual, limiter, probe
):
    await suspend(limiter, virtual.wait)
    kinds = [is_repeat for _, is_repeat in await probe(limiter, 60)]
    assert kinds == [False, True] * (len(kinds) // 2) + [False] * (len(kinds) % 2)


async def test_only_one_of_several_workers_gets_the_probe(virtual):
    workers = [virtual.worker() for _ in range(5)]
    await suspend(workers[0], virtual.wait)
    await virtual.wait(10)
    reservations = [await worker.reserve(10, within_seconds=1, scope=ISSUING) for worker in workers]
    assert [granted(each) for each in reservations] == [1, 0, 0, 0, 0]
    assert all(0 < each.next_free_seconds <= 2 for each in reservations)


async def test_nothing_is_granted_before_a_retry_after_is_over(virtual, limiter, probe):
    await suspend(limiter, virtual.wait, with_retry_after(THROTTLED, 30))
    begin = virtual.now
    (first, _), *_ = await probe(limiter, 60)
    assert first - begin == pytest.approx(30, abs=0.5)


async def test_a_shorter_retry_after_of_a_probe_does_not_cut_the_suspension(
    virtual, limiter, probe
):
    await suspend(limiter, virtual.wait)
    old = await limiter.reserve(0, within_seconds=0, scope=ISSUING)
    await report(limiter, old, with_retry_after(THROTTLED, 40))
    await report(limiter, old, with_retry_after(THROTTLED, 1))
    begin = virtual.now
    (first, _), *_ = await probe(limiter, 60)
    assert first - begin == pytest.approx(40, abs=0.5)


async def test_a_probe_waits_for_its_slot_at_a_slow_rate(virtual):
    limiter = virtual.worker(rate_per_minute=6, failure_threshold=2)
    await report(limiter, await limiter.reserve(1, within_seconds=0, scope=ISSUING), FAILED)
    await virtual.wait(10)
    await report(limiter, await limiter.reserve(1, within_seconds=0, scope=ISSUING), FAILED)
    await virtual.wait(4)
    waiting = await limiter.reserve(1, within_seconds=1, scope=ISSUING)
    assert (waiting.held, granted(waiting)) == ("probing", 0)
    assert waiting.next_free_seconds == pytest.approx(6, abs=0.1)
    await virtual.wait(6)
    assert granted(await limiter.reserve(1, within_seconds=1, scope=ISSUING)) == 1


async def test_an_accepted_probe_of_either_kind_makes_the_account_available(
    virtual, limiter, probe
):
    for kind in (False, True):
        await suspend(limiter, virtual.wait)
        await virtual.wait(10)
        reservation = await limiter.reserve(1, within_seconds=0, scope=ISSUING, is_repeat=kind)
        await report(limiter, reservation, ACCEPTED)
        assert (await limiter.state()).account.is_available
