"""Issuing a chunk during suspensions: one job probes, the rest is given back."""

import pytest

from issuance.replies.reply import Answer
from issuance.retry import TryAgain
from issuance.states import State
from limiter.keys import campaign_key, reads_key, suspended_campaigns_key
from tests.contract.ledger.build import TIMEOUT, refuse
from tests.unit.worker.build import ACCOUNT, CAMPAIGN_ID, claimed

CAMPAIGN = campaign_key(ACCOUNT, CAMPAIGN_ID)


@pytest.fixture
async def campaign_suspended(desk):
    async def suspend(seconds):
        await desk.suspend(seconds, key=CAMPAIGN)
        await desk.redis.sadd(suspended_campaigns_key(ACCOUNT), CAMPAIGN_ID)

    return suspend


async def test_a_suspended_account_gives_all_jobs_back_until_it_is_probed(desk):
    await desk.suspend(40)
    await desk.issue(claimed(1), claimed(2))
    assert desk.reasons == {"calls are suspended"}
    assert [returned.delay_seconds for returned in desk.given_back] == pytest.approx(
        [40, 40], abs=2
    )
    assert desk.api.starts == []


async def test_a_long_suspension_gives_no_job_back_for_longer_than_the_lease(desk):
    await desk.suspend(3_600)
    await desk.issue(claimed(1), claimed(2), lease_seconds=60)
    assert [returned.delay_seconds for returned in desk.given_back] == [60, 60]


async def test_a_job_waits_for_a_suspension_that_ends_soon(desk):
    await desk.suspend(0.5)
    await desk.issue(claimed(1))
    assert len(desk.attempts) == 1
    assert (await desk.state()).account.is_available


async def test_one_job_waits_for_a_short_suspension_as_its_probe_and_the_rest_is_given_back(
    desk,
):
    await desk.suspend(0.3)
    repeat = claimed(1, budget_attempts=1)
    await desk.issue(repeat, *(claimed(number) for number in range(2, 6)))
    assert [attempt.job.number for attempt in desk.attempts] == [2]
    assert {returned.job.number for returned in desk.given_back} == {1, 3, 4, 5}
    assert desk.reasons == {"calls are suspended"}


async def test_after_an_accepted_probe_the_rest_of_the_chunk_is_sent(desk):
    await desk.suspend(0)
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert len(desk.attempts) == 5


async def test_a_readable_refusal_is_an_accepted_probe(desk):
    await desk.suspend(0)
    desk.api.always = refuse()
    await desk.issue(claimed(1))
    assert (await desk.state()).account.is_available


@pytest.mark.parametrize("reply", [TIMEOUT, Answer(503, b""), Answer(401, b"")])
async def test_a_failed_probe_does_not_count_as_an_attempt_of_its_job(desk, reply):
    await desk.suspend(0)
    desk.api.always = reply
    await desk.issue(claimed(1, budget_attempts=7))
    (attempt,) = desk.attempts
    assert isinstance(attempt.decision, TryAgain)
    assert (attempt.decision.counted, attempt.decision.because) == (False, "probe")
    assert not (await desk.state()).account.is_available


async def test_the_probe_is_a_job_without_earlier_failures_if_there_is_one(desk):
    await desk.suspend(0)
    repeats = [claimed(number, budget_attempts=1) for number in (1, 2)]
    await desk.issue(*repeats, claimed(3), claimed(4))
    assert desk.attempts[0].job.number == 3


async def test_the_probe_is_any_job_if_all_have_failed_before(desk):
    await desk.suspend(0)
    await desk.issue(claimed(1, budget_attempts=1), claimed(2, attempts=1))
    assert len(desk.attempts) == 2


async def test_a_suspended_campaigns_chunk_is_given_back_at_once(desk, campaign_suspended):
    await campaign_suspended(2)
    await desk.issue(claimed(1), claimed(2))
    assert desk.api.starts == []
    assert desk.reasons == {"the campaign's calls are suspended"}
    assert all(0 < returned.delay_seconds <= 2.5 for returned in desk.given_back)


async def test_one_job_probes_a_suspended_campaign_and_the_rest_is_given_back(
    desk, campaign_suspended
):
    await campaign_suspended(0)
    desk.api.always, desk.api.latency_seconds = refuse(10004), 0.2
    await desk.issue(*(claimed(number) for number in range(1, 6)))
    assert len(desk.attempts) == 1
    assert len(desk.given_back) == 4
    assert desk.reasons == {"the campaign's calls are suspended"}


async def test_a_settled_job_makes_its_campaign_available(desk, campaign_suspended):
    await campaign_suspended(0)
    await desk.issue(claimed(1))
    assert (await desk.state()).campaigns == {}


async def test_a_probe_of_a_campaign_counts_as_an_attempt_because_the_account_is_available(
    desk, campaign_suspended
):
    await campaign_suspended(0)
    desk.api.always = TIMEOUT
    await desk.issue(claimed(1))
    assert desk.attempts[0].decision.counted


async def test_suspended_reads_give_reconciliations_back_and_do_not_delay_issuing(desk):
    await desk.suspend(40, key=reads_key(ACCOUNT))
    await desk.issue(claimed(1, fallback=State.IN_DOUBT), claimed(2))
    assert [attempt.job.number for attempt in desk.attempts] == [2]
    assert [returned.job.number for returned in desk.given_back] == [1]
    assert desk.reasons == {"calls are suspended"}


async def test_a_suspended_account_does_not_delay_reconciliations(desk):
    await desk.suspend(40)
    await desk.issue(claimed(1, fallback=State.IN_DOUBT), claimed(2))
    assert [attempt.job.number for attempt in desk.attempts] == [1]
    assert [returned.job.number for returned in desk.given_back] == [2]
