"""Claims: a message claims its jobs once; an orphaned one takes over its dead worker's claims."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import update

from issuance.endpoint import Variant
from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.claims import CLAIMS_MAX, claim
from ledger.dispatch.reaper import reap
from ledger.store.schema import campaigns
from tests.contract.ledger.build import OPERATOR, TIMEOUT, Desk, issue, judge, make_job, make_jobs


def test_a_claim_has_all_that_sending_and_judging_need(desk):
    job = make_job(rewards=(1001, 1002), quantity=2)
    held, claimed = desk.take_one(job)
    assert (held.campaign, held.defers_limits) == ("diwali", False)
    assert (claimed.id, claimed.customer, claimed.variant, claimed.body) == (
        job.id,
        job.customer,
        job.variant,
        job.body,
    )
    assert claimed.lines == job.lines
    assert (claimed.generation, claimed.attempts, claimed.budget_attempts, claimed.redrives) == (
        1,
        0,
        0,
        0,
    )
    assert (claimed.may_have_reached, claimed.budget_age_seconds) == (False, None)


def test_a_claim_has_the_scope_number_and_ids_that_the_row_gave(desk):
    made = make_job(variant=Variant.CONNECTED)
    [line] = made.lines
    named = replace(line, reward_id=0, reward_external_id="SKU-9")
    job = replace(made, lines=(named,), scope="OTHER:50000", transaction_number="till-17")
    _, claimed = desk.take_one(job)
    assert (claimed.scope, claimed.transaction_number) == ("OTHER:50000", "till-17")
    assert claimed.lines == (named,)


def test_a_claim_has_the_trace_context_and_when_its_wait_began(desk):
    context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    desk.accept(replace(make_job(), traceparent=context))
    accepted_at = desk.row(make_job().id).accepted_at
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    (claimed,) = held.jobs
    assert (claimed.traceparent, claimed.due_at_ms) == (context, accepted_at)
    assert abs(held.claimed_at_ns - time.time_ns()) < 60 * 10**9
    desk.give_back(held, delay_seconds=60)
    (again,) = desk.take().jobs
    assert (again.traceparent, again.due_at_ms) == (context, desk.row(again.id).due_at)
    assert again.due_at_ms > accepted_at
    desk.accept(make_job(2))
    assert desk.take().jobs[0].traceparent is None


def test_a_claim_says_whether_its_campaign_defers_limits(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    held, _ = desk.take_one(make_job(campaign="patient"))
    assert held.defers_limits is True


@pytest.mark.parametrize("lane", Lane)
def test_a_claim_has_the_lane_of_its_jobs(desk, lane):
    desk.accept(make_job(lane=lane))
    [chunk] = desk.release(lane=lane)
    assert desk.claim(chunk).lane is lane


def test_jobs_are_claimed_in_the_order_of_acceptance(desk):
    batch = make_jobs(20)
    desk.accept(*batch)
    assert [claimed.id for claimed in desk.take().jobs] == [job.id for job in batch]


def test_a_duplicate_message_claims_nothing(desk):
    desk.accept(*make_jobs(3))
    (chunk,) = desk.release()
    assert len(desk.claim(chunk).jobs) == 3
    assert desk.claim(chunk).jobs == ()


def test_two_workers_with_one_message_claim_each_job_once(desk, at_once):
    desk.accept(*make_jobs(50))
    (chunk,) = desk.release()
    first, second = at_once(*[lambda: desk.claim(chunk)] * 2)
    assert sorted((len(first.jobs), len(second.jobs))) == [0, 50]


def test_a_message_for_settled_jobs_claims_nothing(desk):
    job = make_job()
    desk.accept(job)
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    desk.record(held, *(judge(claimed, TIMEOUT) for claimed in held.jobs))
    assert desk.claim(chunk, orphaned=True).jobs == ()


def test_an_orphaned_message_takes_over_its_claims_as_possibly_sent(desk):
    desk.accept(*make_jobs(2))
    (chunk,) = desk.release()
    desk.claim(chunk)
    again = desk.claim(chunk, orphaned=True).jobs
    assert [job.may_have_reached for job in again] == [True, True]


def test_an_unclaimed_orphaned_message_leaves_its_jobs_unsent(desk):
    desk.accept(make_job())
    (chunk,) = desk.release()
    (claimed,) = desk.claim(chunk, orphaned=True).jobs
    assert claimed.may_have_reached is False


def test_an_orphaned_message_does_not_take_over_another_messages_claims(desk):
    desk.accept(make_job())
    (lost,) = desk.release()
    desk.lapse()
    reap(desk.ledger)
    (found,) = desk.release()
    assert len(desk.claim(found).jobs) == 1
    assert desk.claim(lost, orphaned=True).jobs == ()


def test_a_stale_message_claims_nothing_of_the_chunk_that_has_its_jobs_now(desk):
    desk.accept(*make_jobs(2))
    (stale,) = desk.release()
    desk.lapse()
    reap(desk.ledger)
    (current,) = desk.release()
    assert current.job_numbers == stale.job_numbers
    assert desk.claim(stale).jobs == ()
    assert desk.claim(stale, orphaned=True).jobs == ()
    assert desk.counts() == {State.QUEUED: 2}
    assert len(desk.claim(current).jobs) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"chunk_id": "00000000-0000-4000-8000-000000000000"},
        {"campaign_id": 2},
        {"lane": Lane.BACKGROUND},
    ],
    ids=lambda changed: next(iter(changed)),
)
@pytest.mark.parametrize("state", ["running", "paused", "cancelled", "without its account"])
def test_a_message_claims_and_gives_back_only_what_the_release_queued_for_it(desk, changed, state):
    desk.another("holi")
    desk.accept(*make_jobs(2))
    (chunk,) = desk.release()
    if state == "paused":
        pause_campaign(desk.ledger, "diwali", OPERATOR)
    if state == "cancelled":
        with desk.ledger.write() as connection:
            connection.execute(update(campaigns).values(state=CampaignState.CANCELLED))
    accounts = () if state == "without its account" else None
    forged = replace(chunk.message, **changed)
    held = claim(desk.ledger, forged, lease_seconds=60, orphaned=False, accounts=accounts)
    assert held.jobs == ()
    assert desk.counts() == {State.QUEUED: 2}


def test_a_message_that_names_more_jobs_claims_only_those_of_its_chunk(desk):
    desk.accept(*make_jobs(4))
    first, second = desk.release(chunk_size=2)
    both = replace(first.message, job_numbers=first.job_numbers + second.job_numbers)
    held = claim(desk.ledger, both, lease_seconds=60, orphaned=False)
    assert tuple(job.number for job in held.jobs) == first.job_numbers
    assert len(desk.claim(second).jobs) == 2


def test_jobs_of_a_paused_campaign_go_back_instead(desk):
    desk.accept(*make_jobs(2))
    (chunk,) = desk.release()
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.claim(chunk).jobs == ()
    assert desk.counts() == {State.WAITING: 2}


def test_jobs_of_a_cancelled_campaign_are_not_claimed(desk):
    desk.accept(*make_jobs(2))
    (chunk,) = desk.release()
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.claim(chunk).jobs == ()
    assert desk.counts() == {State.CANCELLED: 2}


def test_jobs_that_lost_two_workers_are_given_back_and_isolated(desk):
    desk.accept(*make_jobs(3))
    (chunk,) = desk.release()
    desk.claim(chunk)
    desk.claim(chunk, orphaned=True)
    held = desk.claim(chunk, orphaned=True)
    assert (held.jobs, len(held.isolated)) == ((), 3)
    assert [len(alone.job_numbers) for alone in desk.release()] == [1, 1, 1]


def lose_workers(desk, count):
    """Let the only job lose `count` workers in turn; returns it as the last of them claimed it."""
    for _ in range(count):
        (chunk,) = desk.release()
        (claimed,) = desk.claim(chunk).jobs
        desk.lapse()
        reap(desk.ledger)
    return claimed


def test_a_job_that_lost_too_many_workers_is_reconciled_alone_instead_of_sent(desk):
    desk.accept(make_job(1))
    lose_workers(desk, CLAIMS_MAX)
    desk.accept(*make_jobs(2, first=2))
    desk.make_due()
    together, alone = sorted(desk.release(), key=lambda chunk: -len(chunk.job_numbers))
    assert (len(together.job_numbers), len(alone.job_numbers)) == (2, 1)
    (poison,) = desk.claim(alone).jobs
    assert (poison.fallback, poison.may_have_reached) == (State.IN_DOUBT, True)


def test_a_poison_job_is_settled_by_what_its_reconciliation_finds(desk):
    desk.accept(make_job())
    lose_workers(desk, CLAIMS_MAX)
    held, poison = desk.take_one()
    desk.record(held, judge(poison, issue(poison)))
    assert desk.counts() == {State.ISSUED: 1}
    assert desk.letters() == []


def test_a_poison_job_whose_reconciliation_loses_its_worker_is_settled_in_doubt(desk):
    desk.accept(make_job())
    claimed = lose_workers(desk, CLAIMS_MAX + 1)
    assert claimed.fallback is State.IN_DOUBT
    assert desk.counts() == {State.IN_DOUBT: 1}
    told = "its worker died 3 times or more while working on it"
    assert (desk.letter().reason, desk.letter().message) == ("in_doubt", told)
    assert desk.release() == []


def test_an_orphaned_message_is_not_taken_over_without_a_limit(desk):
    desk.accept(make_job())
    (chunk,) = desk.release()
    claims = [desk.claim(chunk, orphaned=place > 0) for place in range(CLAIMS_MAX + 1)]
    assert [len(held.jobs) for held in claims] == [1] * CLAIMS_MAX + [0]


def test_an_outcome_resets_the_count_of_lost_workers(desk):
    desk.accept(make_job())
    for _ in range(CLAIMS_MAX + 2):
        lose_workers(desk, 1)
        held, claimed = desk.take_one()
        assert claimed.fallback is None
        desk.record(held, judge(claimed, TIMEOUT))
        desk.make_due()
    assert desk.counts() == {State.WAITING: 1}


def test_giving_a_job_back_keeps_the_count_of_lost_workers(desk):
    desk.accept(make_job())
    for _ in range(CLAIMS_MAX):
        lose_workers(desk, 1)
        held = desk.take()
        desk.give_back(held)
    _, poison = desk.take_one()
    assert poison.fallback is State.IN_DOUBT


def test_giving_a_job_back_repeatedly_counts_no_lost_worker(desk):
    job = make_job()
    desk.accept(job)
    for _ in range(CLAIMS_MAX + 2):
        held = desk.take()
        desk.give_back(held)
    assert desk.row(job.id).claims == 0


def test_the_age_of_a_budget_counts_from_its_first_attempt(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TIMEOUT))
    _, again = desk.take_one()
    assert again.budget_attempts == 1
    assert 0.04 <= again.budget_age_seconds < 60
