"""The stop-loss in the ledger: stops in the transaction that records the fault, keeps evidence."""

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from issuance.redrive.rules import Verb
from issuance.states import CampaignState, State
from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import CampaignError, find_campaign, pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.removal import keep_stopped, settle_removed
from ledger.queries.balance import balance
from ledger.queries.campaign_accounts import halted_campaigns
from ledger.results.recording import record
from ledger.stop_loss.resuming import resume
from ledger.stop_loss.stop_records import read_stops
from ledger.store.schema import campaigns
from tests.contract.ledger.build import OPERATOR, TIMEOUT, Desk, issue, judge, make_jobs, refuse

GOOD, DEAD = 1001, 9999


def unknown_reward(job):
    return refuse(8003, "fail to issue reward as Reward is not found")


def not_in_segment(job):
    return refuse(12034, "User Doesn't Belong To Segment Partition")


def by_reward(job):
    return unknown_reward(job) if job.lines[0].reward_id == DEAD else issue(job)


@pytest.fixture
def watched(desk: Desk) -> Desk:
    watch(desk)
    return desk


def watch(desk: Desk, setting: str = "default") -> None:
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaigns).where(campaigns.c.id == desk.campaign.id).values(stop_loss=setting)
        )


def work(desk: Desk, reply=by_reward, *, group: int = 5, most: int = 10_000) -> int:
    """Release, claim and answer jobs in groups as a worker does; returns how many were called."""
    called, stops = 0, []
    while called < most and (chunks := desk.release(chunk_size=group, window=group)):
        for chunk in chunks:
            held = desk.claim(chunk)
            results = [judge(job, reply(job)) for job in held.jobs]
            record(desk.ledger, held.chunk_id, results, worker="w-1", notify=stops.append)
            called += len(results)
    return called


def state(desk: Desk) -> CampaignState:
    return find_campaign(desk.ledger, "diwali").state


def stops(desk: Desk, *, is_open: bool = True):
    with desk.ledger.read() as connection:
        return read_stops(connection, [desk.campaign.id], is_open=is_open)


def counts(desk: Desk):
    return {of: n for of, n in balance(desk.ledger, "diwali").counts.items() if n}


def test_a_dead_reward_is_stopped_after_20_answers(watched: Desk):
    watched.accept(*make_jobs(100, rewards=(DEAD,)))
    assert work(watched) == 20
    assert state(watched) is CampaignState.STOPPED
    assert counts(watched) == {State.FAILED: 20, State.WAITING: 80}
    assert watched.release() == []


def test_a_reward_that_dies_half_way_is_stopped_within_25_answers(watched: Desk):
    watched.accept(*make_jobs(400))
    assert work(watched, issue, group=50, most=200) == 200
    assert work(watched, unknown_reward) <= 25
    assert state(watched) is CampaignState.STOPPED


def test_customers_who_may_not_have_the_reward_never_stop_it(watched: Desk):
    watched.accept(*make_jobs(200))
    assert work(watched, not_in_segment, group=50) == 200
    assert state(watched) is not CampaignState.STOPPED
    assert stops(watched) == []


@pytest.mark.parametrize("setting", ["off"])
def test_a_campaign_without_the_stop_loss_is_not_stopped(desk: Desk, setting):
    watch(desk, setting)
    desk.accept(*make_jobs(60, rewards=(DEAD,)))
    assert work(desk) == 60


def test_only_the_lines_of_the_failing_reward_stop(watched: Desk):
    watched.accept(*make_jobs(100, rewards=(DEAD,)), *make_jobs(100, first=101, rewards=(GOOD,)))
    work(watched)
    assert counts(watched) == {State.ISSUED: 100, State.FAILED: 20, State.WAITING: 80}
    assert state(watched) is CampaignState.RUNNING
    assert halted_campaigns(watched.ledger) == {"default": {(watched.campaign.id, str(DEAD))}}
    keep_stopped(watched.ledger)
    assert state(watched) is CampaignState.STOPPED  # only held jobs are left


def test_jobs_on_the_broker_of_a_stopped_reward_go_back_when_they_are_claimed(watched: Desk):
    watched.accept(*make_jobs(60, rewards=(DEAD,)), *make_jobs(5, first=101, rewards=(GOOD,)))
    first, *later = watched.release(chunk_size=20)
    held = watched.claim(first)
    watched.record(held, *(judge(job, unknown_reward(job)) for job in held.jobs))
    rewards = [
        line.reward_id for chunk in later for job in watched.claim(chunk).jobs for line in job.lines
    ]
    assert set(rewards) <= {GOOD}


def test_a_stop_keeps_its_evidence_without_personal_data(watched: Desk):
    watched.accept(*make_jobs(30, rewards=(DEAD,)))

    def names_the_customer(job):
        return refuse(8003, f"no reward for {job.customer.value}")

    work(watched, names_the_customer)
    (stop,) = stops(watched)
    evidence = stop.evidence
    assert (stop.cause, stop.reward) == ("stop_loss", str(DEAD))
    assert (evidence["answers"], evidence["faults"]) == (20, 20)
    assert evidence["counts"] == {"8003": 20}
    assert evidence["statistic"] >= evidence["stopsAt"]
    assert len(evidence["replies"]) == 3
    assert "91980000" not in str(evidence)
    assert "reward 9999: 20 of its last 20 answers are the campaign's fault" in stop.why


def test_a_stop_is_logged_and_in_the_audit_log(watched: Desk):
    watched.accept(*make_jobs(30, rewards=(DEAD,)))
    with capture_logs() as logged:
        work(watched)
    assert "campaign_stopped" in {event["event"] for event in logged}
    entry = actions_on(watched.ledger, campaign_target("diwali"))[-1]
    assert (entry.verb, entry.way, entry.after) == ("stop", "system", "stopped")
    assert "reward 9999" in entry.reason


def test_a_stopped_reward_is_logged_and_in_the_audit_log(watched: Desk):
    watched.accept(*make_jobs(30, rewards=(DEAD,)), *make_jobs(1, first=101))
    with capture_logs() as logged:
        work(watched)
    assert "campaign_reward_stopped" in {event["event"] for event in logged}
    entry = actions_on(watched.ledger, campaign_target("diwali"))[-1]
    assert (entry.verb, entry.way, entry.after) == ("stop reward", "system", "reward 9999")


def test_a_bare_resume_names_the_options(watched: Desk):
    watched.accept(*make_jobs(30, rewards=(DEAD,)))
    work(watched)
    with pytest.raises(CampaignError) as refused:
        resume(watched.ledger, "diwali", OPERATOR)
    for part in ("reward 9999", "--go-on", "--without-reward 9999", "campaign cancel diwali"):
        assert part in str(refused.value)
    assert state(watched) is CampaignState.STOPPED


def test_continuing_sends_the_held_lines_and_watches_them_again(watched: Desk):
    watched.accept(*make_jobs(100, rewards=(DEAD,)), *make_jobs(30, first=101))
    work(watched)
    resume(watched.ledger, "diwali", OPERATOR, continues=True)
    keep_stopped(watched.ledger)
    assert halted_campaigns(watched.ledger) == {}
    assert work(watched, issue, most=40) == 40
    assert work(watched, unknown_reward) == 20
    assert [stop.resolution for stop in stops(watched, is_open=False)] == ["continued", None]
    assert counts(watched) == {State.ISSUED: 70, State.FAILED: 40, State.WAITING: 20}


def test_continuing_needs_a_stop(watched: Desk):
    with pytest.raises(CampaignError, match="Nothing of diwali is stopped"):
        resume(watched.ledger, "diwali", OPERATOR, continues=True)


def test_continuing_without_a_reward_cancels_its_unsent_lines_only(watched: Desk):
    watched.accept(*make_jobs(100, rewards=(DEAD,)), *make_jobs(50, first=101))
    work(watched, most=40)
    resume(watched.ledger, "diwali", OPERATOR, without=[str(DEAD)])
    settle_removed(watched.ledger, watched.campaign.id)
    work(watched)
    assert counts(watched) == {State.ISSUED: 50, State.FAILED: 20, State.CANCELLED: 80}
    watched.release()
    assert state(watched) is CampaignState.FINISHED
    assert stops(watched) == []
    verbs = [entry.verb for entry in actions_on(watched.ledger, campaign_target("diwali"))]
    assert verbs[-2:] == ["remove reward", "resume"]


def test_rows_of_a_removed_reward_that_come_later_are_cancelled(watched: Desk):
    watched.accept(*make_jobs(30, rewards=(DEAD,)))
    work(watched)
    resume(watched.ledger, "diwali", OPERATOR, without=[str(DEAD)])
    settle_removed(watched.ledger, watched.campaign.id)
    watched.accept(*make_jobs(5, first=201, rewards=(DEAD,)), *make_jobs(5, first=301))
    assert work(watched) == 5
    assert counts(watched) == {State.ISSUED: 5, State.FAILED: 20, State.CANCELLED: 15}


def test_an_unknown_reward_cannot_be_removed(watched: Desk):
    watched.accept(*make_jobs(3))
    with pytest.raises(CampaignError, match="has no such reward; it has 1001"):
        resume(watched.ledger, "diwali", OPERATOR, without=["77"])


def test_a_call_with_other_rewards_too_is_held_whole_and_never_split(watched: Desk):
    watched.accept(
        *make_jobs(40, rewards=(DEAD,)),
        *make_jobs(10, first=101, rewards=(GOOD, DEAD)),
        *make_jobs(10, first=201),
    )
    work(watched)
    assert counts(watched) == {State.ISSUED: 10, State.FAILED: 20, State.WAITING: 40}
    with pytest.raises(CampaignError, match="10 calls of diwali have reward 9999 together"):
        resume(watched.ledger, "diwali", OPERATOR, without=[str(DEAD)])


def test_a_job_in_doubt_of_a_stopped_reward_is_still_reconciled(watched: Desk):
    watched.accept(*make_jobs(1, first=500, rewards=(DEAD,)))
    held = watched.take()
    watched.record(held, judge(held.jobs[0], TIMEOUT))
    watched.accept(*make_jobs(40, rewards=(DEAD,)), *make_jobs(5, first=101))
    work(watched)
    resume(watched.ledger, "diwali", OPERATOR, without=[str(DEAD)])
    settle_removed(watched.ledger, watched.campaign.id)
    (chunk,) = watched.release()
    (job,) = watched.claim(chunk).jobs
    assert job.fallback is not None


def test_a_redrive_is_not_watched(watched: Desk):
    watch(watched, "off")
    watched.accept(*make_jobs(40, rewards=(DEAD,)))
    work(watched)
    watch(watched)
    watched.redrive(Verb.REISSUE)
    assert work(watched) == 40
    assert stops(watched) == []


def test_a_paused_campaign_is_stopped_when_it_runs_again(watched: Desk):
    watched.accept(*make_jobs(100, rewards=(DEAD,)))
    (chunk,) = watched.release(window=30, chunk_size=30)
    held = watched.claim(chunk)
    pause_campaign(watched.ledger, "diwali", OPERATOR)
    watched.record(held, *(judge(job, unknown_reward(job)) for job in held.jobs))
    assert state(watched) is CampaignState.PAUSED
    resume(watched.ledger, "diwali", OPERATOR)
    assert work(watched, group=1) == 1
    assert state(watched) is CampaignState.STOPPED


def test_a_stopped_campaign_can_be_cancelled(watched: Desk):
    watched.accept(*make_jobs(50, rewards=(DEAD,)), *make_jobs(5, first=101))
    work(watched)
    cancel_campaign(watched.ledger, "diwali", OPERATOR)
    assert counts(watched) == {State.ISSUED: 5, State.FAILED: 20, State.CANCELLED: 30}


def test_answers_of_many_workers_at_once_stop_a_reward_once(watched: Desk, at_once):
    watched.accept(*make_jobs(80, rewards=(DEAD,)))
    held = [watched.claim(chunk) for chunk in watched.release(chunk_size=10)]

    def report(claim):
        return lambda: watched.record(
            claim, *(judge(job, unknown_reward(job)) for job in claim.jobs)
        )

    at_once(*(report(claim) for claim in held))
    assert state(watched) is CampaignState.STOPPED
    assert len(stops(watched)) == 1
