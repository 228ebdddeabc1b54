"""Budgets: nothing is released that could exceed them, and what is not issued returns."""

import json

import pytest
from sqlalchemy import insert, select, update

from issuance.approval_policy import ApprovalPolicy
from issuance.budget import Budget
from issuance.campaign_settings import GivenSettings
from issuance.job import Lane
from issuance.redrive.rules import Verb
from issuance.states import CampaignState, State
from ledger.audit_log import actions_on, campaign_target
from ledger.budgets.changes import BudgetError, lock_budgets, require_prices, set_budget
from ledger.budgets.notices import (
    find_notices,
    mark_notices,
    note_levels,
    return_notices,
    unpublished_notices,
)
from ledger.budgets.usage import read_usage
from ledger.campaign_changes import set_campaign, submit_campaign
from ledger.campaigns import ensure_campaign, find_campaign, resume_campaign
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import unqueue_all
from ledger.retention.pruning import prune
from ledger.revocations import Verb as RevocationVerb
from ledger.revocations import begin_revocations, end_revocations
from ledger.stop_loss.resuming import resume
from ledger.store.clock import now_ms
from ledger.store.schema import (
    campaign_rewards,
    campaign_stops,
    campaigns,
    reservations,
)
from tests.contract.ledger.build import (
    BUSY_CODE,
    LIMIT_CODE,
    OPERATOR,
    TIMEOUT,
    Desk,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)


def give(desk: Desk, units: int | None = None, points: int | None = None) -> Budget:
    with desk.ledger.write() as connection:
        lock_budgets(connection)
        return set_budget(connection, desk.campaign.id, Budget(units, points))


def price(desk: Desk, **points: int | None) -> None:
    with desk.ledger.write() as connection:
        for reward, value in points.items():
            row = {"campaign_id": desk.campaign.id, "reward": reward.removeprefix("r")}
            state = {"state": "running", "changed_at": now_ms()}
            connection.execute(insert(campaign_rewards).values(points=value, **row, **state))


def reserved(desk: Desk) -> list[tuple[int, int]]:
    with desk.ledger.read() as connection:
        query = select(reservations.c.units, reservations.c.points)
        return [tuple(row) for row in connection.execute(query.order_by(reservations.c.job_number))]


def count(chunks) -> int:
    return sum(len(chunk.job_numbers) for chunk in chunks)


def settle_all(desk: Desk, reply) -> int:
    """Release everything that may go, and answer it; return how many jobs."""
    desk.make_due()
    chunks = desk.release()
    for chunk in chunks:
        held = desk.claim(chunk)
        desk.record(held, *(judge(job, reply(job)) for job in held.jobs))
    return count(chunks)


def campaign_state(desk: Desk) -> CampaignState:
    return find_campaign(desk.ledger, desk.campaign.name).state


def stops(desk: Desk) -> list:
    with desk.ledger.read() as connection:
        return list(connection.execute(select(campaign_stops).order_by(campaign_stops.c.id)))


def test_no_more_units_are_released_than_the_budget_has(desk):
    desk.accept(*make_jobs(10, quantity=2))
    give(desk, units=7)
    assert count(desk.release()) == 3
    assert desk.release() == []
    assert reserved(desk) == [(2, 0)] * 3


def test_a_campaign_without_a_budget_reserves_nothing(desk):
    desk.accept(*make_jobs(3))
    assert count(desk.release()) == 3
    assert reserved(desk) == []


def test_a_job_of_several_lines_is_reserved_as_a_whole(desk):
    desk.accept(*make_jobs(3, rewards=(1001, 1002), quantity=2))
    give(desk, units=7)
    assert count(desk.release()) == 1
    assert reserved(desk) == [(4, 0)]


def test_issued_units_use_the_budget_up_and_the_campaign_stops_with_evidence(desk):
    desk.accept(*make_jobs(5))
    give(desk, units=3)
    assert settle_all(desk, issue) == 3
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED
    (stop,) = stops(desk)
    evidence = json.loads(stop.evidence)
    assert (stop.cause, stop.reward, stop.resolved_at) == ("budget", None, None)
    assert evidence["budget"] == {"units": 3, "points": None}
    assert (evidence["issued"]["units"], evidence["reserved"]["units"]) == (3, 0)
    assert evidence["why"] == "budget used up: 3 of 3 units, and the next job needs 1 unit"
    entry = actions_on(desk.ledger, campaign_target("diwali"))[-1]
    assert (entry.subject, entry.way, entry.verb) == ("system", "system", "stop")
    assert (entry.before, entry.after, entry.reason) == ("running", "stopped", evidence["why"])
    assert desk.counts() == {State.ISSUED: 3, State.WAITING: 2}


def test_refused_jobs_return_their_reservation(desk):
    desk.accept(*make_jobs(5))
    give(desk, units=2)
    assert settle_all(desk, lambda job: refuse()) == 2
    assert settle_all(desk, issue) == 2
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED
    assert desk.counts() == {State.FAILED: 2, State.ISSUED: 2, State.WAITING: 1}


def test_a_deferred_job_returns_its_reservation_to_others(desk):
    desk.accept(*make_jobs(2))
    give(desk, units=1)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.record(held, judge(held.jobs[0], refuse(LIMIT_CODE, "limit"), defers_limits=True))
    assert count(desk.release()) == 1
    assert len(reserved(desk)) == 1


def test_a_job_given_back_without_a_call_returns_its_reservation(desk):
    desk.accept(*make_jobs(2))
    give(desk, units=1)
    (chunk,) = desk.release()
    desk.give_back(desk.claim(chunk), delay_seconds=3_600)
    assert count(desk.release()) == 1
    assert len(reserved(desk)) == 1


def test_an_emptied_broker_frees_the_reservations_of_what_it_lost(desk):
    desk.accept(*make_jobs(5))
    give(desk, units=3)
    assert count(desk.release()) == 3
    unqueue_all(desk.ledger)
    assert count(desk.release()) == 3
    assert len(reserved(desk)) == 3


def test_a_job_without_an_answer_keeps_its_reservation_and_goes_again_under_it(desk):
    desk.accept(*make_jobs(3))
    give(desk, units=1)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.record(held, judge(held.jobs[0], TIMEOUT))
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.RUNNING
    desk.make_due()
    (again,) = desk.release()
    assert again.job_numbers == (held.jobs[0].number,)
    assert reserved(desk) == [(1, 0)]


def test_a_lost_workers_job_keeps_its_reservation(desk):
    desk.accept(*make_jobs(3))
    give(desk, units=1)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.lapse()
    reap(desk.ledger)
    (again,) = desk.release()
    assert again.job_numbers == (held.jobs[0].number,)
    assert desk.release() == []
    assert reserved(desk) == [(1, 0)]


def test_a_line_in_doubt_keeps_its_reservation_even_when_its_letter_is_discarded(desk):
    doubtful = desk.settle(make_job(1), TIMEOUT)
    give(desk, units=2)
    desk.accept(*make_jobs(3, first=2))
    assert settle_all(desk, issue) == 1
    desk.discard()
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED
    assert reserved(desk) == [(1, 0)]
    assert desk.state(doubtful) is State.IN_DOUBT


def test_a_late_answer_settles_a_doubtful_reservation(desk):
    held, job = desk.take_one(make_job(1))
    desk.lapse()
    reap(desk.ledger)
    give(desk, units=1)
    desk.accept(make_job(2))
    assert reserved(desk) == [(1, 0)]
    desk.record(held, judge(job, issue(job)))
    assert desk.release() == []
    assert reserved(desk) == []
    assert campaign_state(desk) is CampaignState.STOPPED


def test_a_resent_dead_letter_passes_the_budget(desk):
    desk.accept(*make_jobs(2))
    give(desk, units=1)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.record(held, judge(held.jobs[0], answer(say(held.jobs[0].lines[0], 8010, units=0))))
    assert settle_all(desk, issue) == 1
    desk.redrive(Verb.RESEND)
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED


def test_a_reissued_dead_letter_passes_the_budget(desk):
    desk.accept(*make_jobs(2))
    give(desk, units=1)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.record(held, judge(held.jobs[0], refuse()))
    assert settle_all(desk, issue) == 1
    desk.redrive(Verb.REISSUE)
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED


def test_a_partial_job_that_is_resent_reserves_only_what_is_missing(desk):
    held, job = desk.take_one(make_job(1, quantity=3))
    desk.record(held, judge(job, answer(say(job.lines[0], 8010, units=2))))
    give(desk, units=3)
    desk.redrive(Verb.RESEND)
    assert count(desk.release()) == 1
    assert reserved(desk) == [(1, 0)]


def test_busy_answers_never_let_more_out_than_the_budget(desk):
    desk.accept(*make_jobs(6))
    give(desk, units=2)
    for reply in (refuse(BUSY_CODE, "busy"), TIMEOUT, refuse(BUSY_CODE, "busy")):
        settle_all(desk, lambda _job, reply=reply: reply)
        with desk.ledger.read() as connection:
            usage = read_usage(connection, desk.campaign.id, Budget(units=2))
        assert usage.total.units <= 2


def test_both_lanes_share_the_budget(desk):
    desk.accept(*make_jobs(2))
    desk.accept(*make_jobs(2, first=3, lane=Lane.BACKGROUND))
    give(desk, units=3)
    released = count(desk.release()) + count(desk.release(lane=Lane.BACKGROUND))
    assert released == 3


def test_releases_at_the_same_moment_never_exceed_the_budget(desk, at_once):
    desk.accept(*make_jobs(40))
    give(desk, units=7)
    found = at_once(*[lambda: count(desk.release(chunk_size=5))] * 4)
    assert sum(found) == 7


def test_a_used_up_budget_leaves_the_rate_to_other_campaigns(desk):
    other = desk.another("holi")
    desk.accept(*make_jobs(5))
    other.accept(*make_jobs(5, campaign="holi", first=11))
    give(desk, units=1)
    assert count(desk.release(window=3, chunk_size=1)) == 3
    assert count(desk.release(window=6, chunk_size=1)) == 3


def test_points_are_reserved_as_expected_and_settled_as_redeemed(desk):
    desk.accept(*make_jobs(4, quantity=2))
    price(desk, r1001=10_000)
    give(desk, points=45_000)
    assert settle_all(desk, issue) == 2
    assert desk.release() == []
    (stop,) = stops(desk)
    assert json.loads(stop.evidence)["why"] == (
        "budget used up: 40 of 45 points, and the next job needs 20 points"
    )


@pytest.mark.parametrize("priced", [{}, {"r1001": None}])
def test_a_budget_of_points_needs_the_points_of_every_reward(desk, priced):
    desk.accept(make_job())
    price(desk, **priced)
    with pytest.raises(BudgetError, match=r"reward 1001 are not known: .* set diwali --rewards"):
        give(desk, points=45_000)
    with desk.ledger.read() as connection, pytest.raises(BudgetError):
        require_prices(connection, desk.campaign.id, Budget(points=1))


def test_a_reward_that_comes_later_without_points_stops_the_campaign(desk):
    desk.accept(make_job())
    price(desk, r1001=0)
    give(desk, points=45_000)
    assert settle_all(desk, issue) == 1
    desk.accept(make_job(2, rewards=(1002,)))
    assert desk.release() == []
    (stop,) = stops(desk)
    assert "the points of reward 1002 are not known" in json.loads(stop.evidence)["why"]


def test_a_higher_budget_lets_a_stopped_campaign_continue(desk):
    desk.accept(*make_jobs(5))
    give(desk, units=2)
    settle_all(desk, issue)
    desk.release()
    assert give(desk, units=4) == Budget(units=2)
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    assert settle_all(desk, issue) == 2
    assert desk.release() == []
    assert desk.counts() == {State.ISSUED: 4, State.WAITING: 1}


def test_a_stopped_campaign_resumes_only_when_its_next_job_fits(desk):
    desk.accept(*make_jobs(3, quantity=2))
    give(desk, units=3)
    settle_all(desk, issue)
    desk.release()
    assert campaign_state(desk) is CampaignState.STOPPED
    with pytest.raises(BudgetError, match=r"2 of 3 units.* campaign set diwali --budget-u"):
        resume(desk.ledger, "diwali", OPERATOR)
    give(desk, units=4)
    resume(desk.ledger, "diwali", OPERATOR)
    (stop,) = stops(desk)
    assert (stop.resolved_by, stop.resolution) == ("asha", "resumed")
    assert settle_all(desk, issue) == 1
    desk.release()
    assert len(stops(desk)) == 2


def test_a_revocation_gives_a_stopped_campaign_room(desk):
    desk.accept(*make_jobs(2))
    give(desk, units=1)
    settle_all(desk, issue)
    desk.release()
    [issued] = [job for job in make_jobs(2) if desk.state(job) is State.ISSUED]
    begun, _ = begin_revocations(desk.ledger, [issued.id], OPERATOR)
    end_revocations(desk.ledger, [(begun[0], RevocationVerb.REVOKED, "done")], OPERATOR)
    resume(desk.ledger, "diwali", OPERATOR)
    assert settle_all(desk, issue) == 1


def test_a_held_job_of_a_stopped_reward_does_not_use_the_budget_up(desk):
    desk.accept(make_job(1, rewards=(1002,), quantity=9), *make_jobs(2, first=2))
    give(desk, units=2)
    with desk.ledger.write() as connection:
        connection.execute(update(campaigns).values(stopped_rewards='["1002"]'))
    assert count(desk.release()) == 2
    assert campaign_state(desk) is CampaignState.RUNNING


def test_a_budget_set_in_mid_run_holds_what_is_under_way(desk):
    desk.settle(make_job(9), TIMEOUT)
    desk.accept(*make_jobs(6))
    (first,) = desk.release(window=1)
    held = desk.claim(first)
    (second,) = desk.release(window=1)
    with pytest.raises(BudgetError, match="3 units are issued or under way"):
        give(desk, units=2)
    give(desk, units=4)
    assert len(reserved(desk)) == 3
    desk.record(held, judge(held.jobs[0], issue(held.jobs[0])))
    assert count(desk.release(window=100)) == 1
    assert len(second.job_numbers) == 1


def change(desk: Desk, points: dict[str, int] | None = None, **given) -> None:
    set_campaign(desk.ledger, "diwali", GivenSettings(**given), OPERATOR, zone="UTC", points=points)


def test_the_settings_of_a_running_campaign_set_its_budget_and_are_recorded(desk):
    desk.settle(make_job(9), TIMEOUT)
    desk.accept(*make_jobs(4))
    change(desk, budget_units=3)
    assert reserved(desk) == [(1, 0)]
    assert count(desk.release()) == 2
    with pytest.raises(BudgetError, match="3 units are issued or under way"):
        change(desk, budget_units=2)
    change(desk, budget_units=4)
    assert count(desk.release()) == 1
    change(desk, budget_units=0)
    assert count(desk.release()) == 1
    entries = [e for e in actions_on(desk.ledger, campaign_target("diwali")) if e.verb == "set"]
    assert [entry.after for entry in entries] == [
        "budget-units 3",
        "budget-units 4",
        "budget-units none",
    ]


def test_new_points_are_reserved_again_and_may_not_exceed_the_budget(desk):
    desk.accept(*make_jobs(4))
    change(desk, points={"1001": 10_000}, budget_points="30")
    assert count(desk.release(window=1)) == 1
    with pytest.raises(BudgetError, match="31 points are issued or under way"):
        change(desk, points={"1001": 31_000})
    change(desk, points={"1001": 15_000})
    assert reserved(desk) == [(1, 15_000)]
    assert count(desk.release(window=10)) == 1


def test_a_draft_with_a_budget_of_points_is_submitted_only_with_all_points(ledger):
    campaign = ensure_campaign(ledger, "draft", is_draft=True)
    desk = Desk(ledger, campaign)
    set_campaign(ledger, "draft", GivenSettings(budget_points="30"), OPERATOR, zone="UTC")
    desk.accept(make_job(campaign="draft"))
    policy = ApprovalPolicy()
    with pytest.raises(BudgetError, match=r"reward 1001 are not known: .* campaign set draft"):
        submit_campaign(ledger, "draft", OPERATOR, policy)
    points = {"1001": 10_000}
    set_campaign(ledger, "draft", GivenSettings(), OPERATOR, zone="UTC", points=points)
    submit_campaign(ledger, "draft", OPERATOR, policy)


def test_levels_are_noted_once_each_and_published_until_they_are_accepted(desk):
    desk.accept(*make_jobs(10))
    give(desk, units=10)
    for window, expected in ((4, []), (2, [50]), (3, [50, 80]), (1, [50, 80, 100])):
        desk.make_due()
        for chunk in desk.release(window=window):
            held = desk.claim(chunk)
            desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
        for _ in range(2):
            note_levels(desk.ledger)
        found = unpublished_notices(desk.ledger)
        events = find_notices(desk.ledger, [notice.id for notice in found])
        assert [event.percent for event in events] == expected
    assert events[0].campaign == "diwali"
    assert events[0].figures["issued"]["units"] == 6
    mark_notices(desk.ledger, found)
    assert unpublished_notices(desk.ledger) == []
    return_notices(desk.ledger, events[:1])
    mark_notices(desk.ledger, found)  # a late record of the publishing
    assert [notice.id for notice in unpublished_notices(desk.ledger)] == [events[0].notice_id]
    assert find_notices(desk.ledger, [-1, 2**70, 9_999]) == []


def test_a_stop_is_reported_as_the_last_level_and_a_higher_budget_begins_again(desk):
    desk.accept(*make_jobs(5))
    give(desk, units=1)
    settle_all(desk, issue)
    desk.release()
    note_levels(desk.ledger)
    assert [event.percent for event in _events(desk)] == [100]
    assert _events(desk)[0].state is CampaignState.STOPPED
    give(desk, units=4)
    note_levels(desk.ledger)
    assert [event.percent for event in _events(desk)] == [100]
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    settle_all(desk, issue)
    note_levels(desk.ledger)
    assert [event.percent for event in _events(desk)] == [100, 100]


def _events(desk: Desk) -> list:
    return find_notices(desk.ledger, [each.id for each in unpublished_notices(desk.ledger)])


def test_pruned_units_still_count_and_pruning_returns_reservations(desk):
    desk.accept(*make_jobs(3))
    give(desk, units=2)
    settle_all(desk, issue)
    assert len(reserved(desk)) == 2
    assert sum(page.jobs for page in prune(desk.ledger, older_than_seconds=-1)) == 2
    assert reserved(desk) == []
    assert desk.release() == []
    assert campaign_state(desk) is CampaignState.STOPPED


def test_a_pruned_line_in_doubt_keeps_its_reservation(desk):
    desk.settle(make_job(1), TIMEOUT)
    desk.settle(make_job(2), TIMEOUT)  # the newest letter is never pruned
    give(desk, units=2)
    desk.discard()
    desk.accept(make_job(3))
    assert sum(page.jobs for page in prune(desk.ledger, older_than_seconds=-1)) == 1
    assert desk.release() == []
    assert reserved(desk) == [(1, 0)] * 2
