"""A campaign's canary: its first lines go alone, and their answers decide what follows."""

import pytest
from sqlalchemy import select, update

from issuance.states import CampaignState, State
from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import CampaignError, find_campaign
from ledger.dispatch.removal import settle_removed
from ledger.queries.balance import balance
from ledger.stop_loss.canary import try_canaries
from ledger.stop_loss.resuming import resume
from ledger.stop_loss.stop_records import read_stops
from ledger.store.schema import campaigns
from tests.contract.ledger.build import (
    LIMIT_CODE,
    OPERATOR,
    TIMEOUT,
    Desk,
    issue,
    judge,
    make_jobs,
    refuse,
)

GOOD, DEAD, THIRD = 1001, 9999, 1003
UNKNOWN = refuse(8003, "fail to issue reward as Reward is not found")
INELIGIBLE = refuse(12034, "not in the segment")
USED_UP = refuse(LIMIT_CODE, "Max limit for the DAYS is reached. 1 For Level CUSTOMER")


@pytest.fixture
def cautious(desk: Desk) -> Desk:
    """A desk whose campaign has a canary of ten lines."""
    values = {"canary": 10, "canary_state": "pending"}
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaigns).where(campaigns.c.id == desk.campaign.id).values(values)
        )
    return desk


def canary_state(desk: Desk) -> str | None:
    with desk.ledger.read() as connection:
        query = select(campaigns.c.canary_state).where(campaigns.c.id == desk.campaign.id)
        return connection.scalar(query)


def send(desk: Desk, reply, **options) -> list[int]:
    """Answer what is released now; returns the rewards of the called jobs."""
    rewards = []
    for chunk in desk.release():
        held = desk.claim(chunk)
        desk.record(held, *(judge(job, reply(job), **options) for job in held.jobs))
        rewards += [job.lines[0].reward_id for job in held.jobs]
    return rewards


def by_reward(job):
    return UNKNOWN if job.lines[0].reward_id == DEAD else issue(job)


def counts(desk: Desk):
    return {of: n for of, n in balance(desk.ledger, "diwali").counts.items() if n}


def test_nothing_is_sent_before_the_canary_is_picked(cautious: Desk):
    cautious.accept(*make_jobs(50))
    assert cautious.release() == []


def test_the_canary_goes_alone_spread_over_the_rewards(cautious: Desk):
    cautious.accept(
        *make_jobs(90),
        *make_jobs(30, first=101, rewards=(DEAD,)),
        *make_jobs(2, first=201, rewards=(THIRD,)),
    )
    try_canaries(cautious.ledger)
    rewards = send(cautious, issue)
    assert sorted(rewards) == [GOOD] * 4 + [THIRD] * 2 + [DEAD] * 4
    assert cautious.release() == []


def test_a_reward_that_comes_late_in_the_file_is_tried_too(cautious: Desk):
    cautious.accept(*make_jobs(1100), *make_jobs(5, first=2001, rewards=(THIRD,)))
    try_canaries(cautious.ledger)
    assert send(cautious, issue).count(THIRD) == 5


def test_the_campaign_continues_when_the_canary_passes(cautious: Desk):
    cautious.accept(*make_jobs(50))
    try_canaries(cautious.ledger)
    send(cautious, issue)
    try_canaries(cautious.ledger)
    assert canary_state(cautious) == "passed"
    assert len(send(cautious, issue)) == 40
    entry = actions_on(cautious.ledger, campaign_target("diwali"))[-1]
    assert (entry.verb, entry.after, entry.way) == ("canary passed", "10 answers", "system")


def test_a_failing_reward_stops_the_campaign_with_evidence(cautious: Desk):
    cautious.accept(*make_jobs(50), *make_jobs(50, first=101, rewards=(DEAD,)))
    try_canaries(cautious.ledger)
    send(cautious, by_reward)
    try_canaries(cautious.ledger)
    assert find_campaign(cautious.ledger, "diwali").state is CampaignState.STOPPED
    with cautious.ledger.read() as connection:
        (stop,) = read_stops(connection, [cautious.campaign.id], is_open=True)
    assert (stop.cause, stop.evidence["rewards"]) == ("canary", [str(DEAD)])
    assert stop.evidence["byReward"][str(DEAD)]["counts"] == {"8003": 5}
    assert "reward 9999 with 5 of 5 answers that are the campaign's fault" in stop.why
    assert counts(cautious) == {State.ISSUED: 5, State.FAILED: 5, State.WAITING: 90}
    with pytest.raises(CampaignError, match="--without-reward 9999"):
        resume(cautious.ledger, "diwali", OPERATOR)


def test_after_a_failed_canary_the_campaign_continues_without_the_reward(cautious: Desk):
    cautious.accept(*make_jobs(50), *make_jobs(50, first=101, rewards=(DEAD,)))
    try_canaries(cautious.ledger)
    send(cautious, by_reward)
    try_canaries(cautious.ledger)
    resume(cautious.ledger, "diwali", OPERATOR, without=[str(DEAD)])
    settle_removed(cautious.ledger, cautious.campaign.id)
    assert send(cautious, by_reward) == [GOOD] * 45


def test_after_a_failed_canary_an_operator_may_continue_as_it_is(cautious: Desk):
    cautious.accept(*make_jobs(50, rewards=(DEAD,)))
    try_canaries(cautious.ledger)
    send(cautious, by_reward)
    try_canaries(cautious.ledger)
    resume(cautious.ledger, "diwali", OPERATOR, continues=True)
    assert len(send(cautious, issue)) == 40


@pytest.mark.parametrize("reply", [INELIGIBLE, USED_UP])
def test_refused_customers_pass(cautious: Desk, reply):
    cautious.accept(*make_jobs(50))
    try_canaries(cautious.ledger)
    send(cautious, lambda _: reply, defers_limits=True)
    try_canaries(cautious.ledger)
    assert canary_state(cautious) == "passed"


def test_one_fault_in_ten_passes_and_two_do_not(cautious: Desk):
    for faults, state in ((1, "passed"), (2, "failed")):
        with cautious.ledger.write() as connection:
            connection.execute(update(campaigns).values(canary_state="pending", state="running"))
            connection.exec_driver_sql("DELETE FROM canary_jobs")
        cautious.accept(*make_jobs(10, first=1 + 100 * faults))
        cautious.make_due()
        try_canaries(cautious.ledger)
        replies = iter([UNKNOWN] * faults)
        send(cautious, lambda job, left=replies: next(left, None) or issue(job))
        try_canaries(cautious.ledger)
        assert canary_state(cautious) == state


def test_the_verdict_waits_for_jobs_in_doubt(cautious: Desk):
    cautious.accept(*make_jobs(50))
    try_canaries(cautious.ledger)
    replies = iter([TIMEOUT])
    send(cautious, lambda job: next(replies, None) or issue(job))
    try_canaries(cautious.ledger)
    assert canary_state(cautious) == "running"
    assert cautious.release() == []
