"""An API that refuses each new job once seems to be down until it accepts repeated jobs."""

import pytest

from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    REFUSALS_SPREAD_SECONDS,
    call,
    repeated,
    report,
)

MANY = 40


async def refuse(limiter, wait, *results):
    """Report many refused calls in a row."""
    for _ in range(MANY):
        await report(limiter, await limiter.reserve(0, within_seconds=0, scope=ISSUING), *results)
        await wait(REFUSALS_SPREAD_SECONDS / 10)


@pytest.fixture
async def known(virtual, limiter):
    """A worker of an account whose suspension ended with a repeated job."""
    await refuse(limiter, virtual.wait, FAILED)
    assert not (await limiter.state()).account.is_available
    await virtual.wait(10)
    await report(limiter, await limiter.reserve(1, within_seconds=0, scope=ISSUING), FAILED)
    await virtual.wait(2)
    probe = await call(limiter, repeated(ACCEPTED), is_repeat=True)
    assert probe.is_probe
    return limiter


async def test_refused_new_jobs_alone_do_not_suspend_such_an_account_again(virtual, known):
    await refuse(known, virtual.wait, FAILED)
    assert (await known.state()).account.is_available


async def test_refused_new_jobs_and_repeats_suspend_it_again(virtual, known):
    await refuse(known, virtual.wait, FAILED, repeated(FAILED))
    assert not (await known.state()).account.is_available


async def test_after_a_while_new_jobs_alone_suspend_it_again(virtual, known):
    await virtual.wait(3_600)
    await refuse(known, virtual.wait, FAILED)
    assert not (await known.state()).account.is_available


async def test_an_account_whose_suspension_ended_with_a_new_job_is_suspended_by_new_jobs_alone(
    virtual, limiter
):
    await refuse(limiter, virtual.wait, FAILED)
    await virtual.wait(10)
    assert (await call(limiter, ACCEPTED)).is_probe
    await refuse(limiter, virtual.wait, FAILED)
    assert not (await limiter.state()).account.is_available
