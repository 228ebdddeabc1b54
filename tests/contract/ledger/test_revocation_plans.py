"""Plans of bulk revocations: what is chosen, and why other lines are not."""

import pytest

from issuance.states import State
from ledger.bulk_revocations import Results, end_bulk, start_bulk
from ledger.queries.outcomes import lines_of_job
from ledger.retention.erasure import erase
from ledger.revocation_plans import Obstacle, plan_revocations
from ledger.revocations import RevocationError, Verb, begin_revocations, end_revocations
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)


def issue_all(desk, *batch, reply=issue):
    desk.accept(*batch)
    held = desk.take()
    desk.record(held, *(judge(job, reply(job)) for job in held.jobs))
    return held.jobs


def blocked(plan) -> dict[Obstacle, int]:
    return {obstacle: found.lines for obstacle, found in plan.blocked.items()}


def test_all_issued_lines_are_chosen_with_their_units_points_and_customers(desk):
    jobs = issue_all(
        desk,
        *make_jobs(2, quantity=2),
        make_job(3, rewards=(1001, 1002)),
        reply=lambda job: answer(*(say(line, rewardId=line.reward_id) for line in job.lines)),
    )
    desk.accept(make_job(4))
    plan = plan_revocations(desk.ledger, "diwali")
    assert plan.request_ids == [line.request_id for job in jobs for line in job.lines]
    assert (plan.total.lines, plan.total.units, plan.customers, plan.transactions) == (4, 6, 3, 4)
    assert {reward: total.units for reward, total in plan.rewards.items()} == {"1001": 5, "1002": 1}
    assert plan.points_unknown == 4
    assert plan.blocked == {}


def test_what_cannot_be_revoked_is_counted_by_its_reason(desk):
    issue_all(desk, make_job(1))
    issue_all(desk, make_job(2), reply=lambda job: answer(say(job.lines[0], transactionId=None)))
    issue_all(
        desk,
        make_job(3, rewards=(1001, 1002)),
        reply=lambda job: answer(*(say(line, transactionId=4711) for line in job.lines)),
    )
    issue_all(
        desk,
        make_job(4, rewards=(1001, 1002), quantity=2),
        reply=lambda job: answer(
            say(job.lines[0]), say(job.lines[1], 8010, units=1, transactionId=1)
        ),
    )
    desk.settle(make_job(5), TIMEOUT)
    desk.settle(make_job(6), refuse())
    (erased,) = issue_all(desk, make_job(7))
    list(erase(desk.ledger, erased.customer, OPERATOR))
    plan = plan_revocations(desk.ledger, "diwali")
    assert plan.total.lines == 1
    assert blocked(plan) == {
        Obstacle.NO_TRANSACTION: 1,
        Obstacle.SHARED: 2,
        Obstacle.OPEN_LETTER: 1,
        Obstacle.PARTIAL: 1,
        Obstacle.IN_DOUBT: 1,
        Obstacle.ERASED: 1,
    }
    assert plan.blocked[Obstacle.ERASED].example == erased.id


def test_a_reward_or_a_list_narrows_the_choice_and_explains_the_rest(desk):
    jobs = issue_all(desk, *make_jobs(2, rewards=(1001, 1002)))
    other = desk.another("holi")
    (foreign,) = issue_all(other, make_job(9, campaign="holi"))
    failed = desk.settle(make_job(5), refuse())
    waiting = make_job(6)
    desk.accept(waiting)
    only = plan_revocations(desk.ledger, "diwali", rewards=["1002"])
    assert only.request_ids == [job.lines[1].request_id for job in jobs]
    assert only.blocked == {}
    listed = [jobs[0].lines[0].request_id, jobs[1].lines[1].request_id, failed.id, waiting.id]
    listed += [foreign.id, "unknown"]
    plan = plan_revocations(desk.ledger, "diwali", rewards=["1001"], request_ids=listed)
    assert plan.request_ids == listed[:1]
    assert blocked(plan) == {
        Obstacle.OTHER_REWARD: 1,
        Obstacle.NOT_ISSUED: 1,
        Obstacle.UNSETTLED: 1,
        Obstacle.ELSEWHERE: 2,
    }


def test_many_listed_lines_of_the_same_jobs_are_each_chosen_once(desk):
    jobs = issue_all(desk, *make_jobs(400, rewards=(1001, 1002)))
    listed = [line.request_id for job in jobs for line in job.lines]
    plan = plan_revocations(desk.ledger, "diwali", request_ids=listed)
    assert sorted(plan.request_ids) == sorted(listed)
    assert plan.blocked == {}


def test_a_plan_changes_its_digest_when_lines_are_revoked_or_added(desk):
    jobs = issue_all(desk, *make_jobs(2))
    first = plan_revocations(desk.ledger, "diwali")
    assert plan_revocations(desk.ledger, "diwali").digest == first.digest
    begun, _ = begin_revocations(desk.ledger, [jobs[0].id], OPERATOR)
    end_revocations(desk.ledger, [(begun[0], Verb.REVOKED, "done")], OPERATOR)
    second = plan_revocations(desk.ledger, "diwali")
    assert second.request_ids == [jobs[1].id]
    assert second.digest != first.digest
    assert lines_of_job(desk.ledger, jobs[0].id)[0].state is State.REVOKED


def test_only_one_run_of_a_campaign_is_under_way_and_a_broken_one_ends(desk, monkeypatch):
    issue_all(desk, make_job(1))
    plan = plan_revocations(desk.ledger, "diwali")
    options = {"filters": {}, "per_second": None}
    first = start_bulk(desk.ledger, plan, OPERATOR, **options)
    with pytest.raises(RevocationError, match="asha is revoking rewards of this campaign"):
        start_bulk(desk.ledger, plan, OPERATOR, **options)
    end_bulk(desk.ledger, first, plan, OPERATOR, Results(revoked=1), complete=True)
    start_bulk(desk.ledger, plan, OPERATOR, **options)
    monkeypatch.setattr("ledger.bulk_revocations._ALIVE_SECONDS", -1.0)
    assert start_bulk(desk.ledger, plan, OPERATOR, **options) == first + 2
