"""Reads and each campaign are suspended separately: their failures stop nothing else."""

import pytest
from structlog.testing import capture_logs

from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope
from tests.contract.limiter.build import (
    ACCEPTED,
    FAILED,
    ISSUING,
    OTHER,
    READS,
    REFUSALS_SPREAD_SECONDS,
    THROTTLED,
    UNAUTHORISED,
    call,
    repeated,
)

FEW, MANY = 5, 100
OTHER_READS = Scope(OTHER.campaign_id, is_read=True)


@pytest.fixture
async def workers(clients, account) -> tuple[RateLimiter, RateLimiter]:
    one, other = await clients.redis(), await clients.redis()
    return RateLimiter(one, account, rate_per_minute=0), RateLimiter(
        other, account, rate_per_minute=0
    )


@pytest.fixture
def fail_reads(workers, wait):
    async def report_failed_reads():
        await call(workers[0], FAILED, scope=READS)
        await wait(REFUSALS_SPREAD_SECONDS)
        await call(workers[1], *[FAILED] * MANY, scope=OTHER_READS)

    return report_failed_reads


@pytest.fixture
def fail_campaign(workers, wait):
    """Report failed calls of campaign 7 for a while, among successful ones of campaign 8."""

    async def report_failures(*results):
        await call(workers[0], *results)
        await call(workers[1], ACCEPTED, scope=OTHER)
        await wait(REFUSALS_SPREAD_SECONDS)
        for _ in range(FEW):
            await call(workers[0], *results * (MANY // FEW))
            await call(workers[1], ACCEPTED, scope=OTHER)

    return report_failures


async def held(limiter, scope):
    return (await limiter.reserve(10, within_seconds=0, scope=scope)).held


async def test_failing_reads_suspend_the_reads_of_every_campaign_and_no_issuing(
    workers, fail_reads
):
    await fail_reads()
    state = await workers[0].state()
    assert (state.reads.availability, state.reads.reason) == ("suspended", FAILED.reason)
    assert state.account.is_available
    assert [await held(workers[0], scope) for scope in (READS, OTHER_READS, ISSUING)] == [
        "suspended",
        "suspended",
        "",
    ]


async def test_reads_have_their_own_probe_to_recover(workers, fail_reads, wait):
    await fail_reads()
    await wait(60)
    await call(workers[0], ACCEPTED)  # says nothing about reads
    assert (await call(workers[0], ACCEPTED, scope=READS)).is_probe
    assert (await workers[1].state()).reads.is_available


async def test_failing_calls_suspend_issuing_and_no_reads(workers, wait):
    await call(workers[0], FAILED)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(workers[0], *[UNAUTHORISED] * MANY)
    state = await workers[0].state()
    assert (state.account.availability, state.reads.availability) == ("suspended", "available")
    assert [await held(workers[0], scope) for scope in (ISSUING, OTHER, READS)] == [
        "suspended",
        "suspended",
        "",
    ]


async def test_accepted_reads_do_not_make_a_suspended_account_available(workers, wait):
    await call(workers[0], FAILED)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(workers[0], *[FAILED] * MANY)
    await call(workers[0], *[ACCEPTED] * FEW, scope=READS)
    assert not (await workers[1].state()).account.is_available


async def test_a_campaign_whose_jobs_do_not_settle_is_suspended_and_another_one_is_not(
    workers, fail_campaign
):
    with capture_logs() as logged:
        await fail_campaign(FAILED, repeated(FAILED))
    state = await workers[1].state()
    assert list(state.campaigns) == [ISSUING.campaign_id]
    campaign = state.campaigns[ISSUING.campaign_id]
    assert (campaign.availability, campaign.reason) == ("suspended", FAILED.reason)
    assert state.account.is_available
    assert [await held(workers[1], scope) for scope in (ISSUING, OTHER, READS)] == [
        "campaign_suspended",
        "",
        "",
    ]
    (event,) = [event for event in logged if event["event"].startswith("campaign_")]
    assert (event["event"], event["campaign_id"], event["reason"]) == (
        "campaign_suspended",
        7,
        FAILED.reason,
    )


async def test_results_reported_one_by_one_suspend_a_campaign_too(workers, wait):
    for _ in range(MANY):
        for result in (FAILED, repeated(FAILED)):
            await call(workers[0], result)
        await call(workers[1], ACCEPTED, scope=OTHER)
        if (await workers[0].state()).campaigns:
            break
        await wait(0.05)
    assert (await workers[0].state()).campaigns.keys() == {ISSUING.campaign_id}


async def test_a_campaign_is_not_suspended_when_only_repeated_jobs_fail(workers, fail_campaign):
    await fail_campaign(repeated(FAILED))
    assert (await workers[0].state()).campaigns == {}


async def test_a_campaign_is_not_suspended_for_429s(workers, fail_campaign):
    await fail_campaign(THROTTLED)
    assert (await workers[0].state()).campaigns == {}


async def test_a_settled_job_keeps_a_campaign_available(workers, fail_campaign):
    for _ in range(FEW):
        await fail_campaign(FAILED, repeated(FAILED), ACCEPTED)
    assert (await workers[0].state()).campaigns == {}


async def test_a_settled_probe_ends_a_campaigns_suspension(workers, fail_campaign, wait):
    await fail_campaign(FAILED, repeated(FAILED))
    for is_repeat in (False, True):
        await wait(2)
        probe = await call(workers[0], FAILED, FAILED, is_repeat=is_repeat)
        assert (probe.held, len(probe.delays_seconds)) == ("campaign_probing", 1)
        assert await held(workers[1], ISSUING) == "campaign_suspended"
    await wait(2)
    await call(workers[1], ACCEPTED)
    assert (await workers[0].state()).campaigns == {}
    assert len((await workers[0].reserve(10, within_seconds=0, scope=ISSUING)).delays_seconds) == 10


async def test_calls_from_before_a_campaigns_suspension_do_not_end_it(workers, fail_campaign):
    old = await workers[1].reserve(10, within_seconds=0, scope=ISSUING)
    await fail_campaign(FAILED, repeated(FAILED))
    await workers[1].report(old, ACCEPTED)
    await workers[1].flush(ISSUING)
    assert list((await workers[0].state()).campaigns) == [ISSUING.campaign_id]


async def test_a_suspended_account_is_probed_by_a_suspended_campaign_too(
    workers, fail_campaign, wait
):
    await fail_campaign(FAILED, repeated(FAILED))
    await call(workers[0], FAILED, scope=OTHER)
    await wait(REFUSALS_SPREAD_SECONDS)
    await call(workers[0], *[FAILED] * MANY, scope=OTHER)
    await wait(60)
    probe = await workers[0].reserve(10, within_seconds=0, scope=ISSUING)
    assert len(probe.delays_seconds) == 1
    assert probe.is_probe
