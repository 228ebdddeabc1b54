"""Release: due jobs are queued fairly, within the window, and never twice."""

import threading

import pytest
from sqlalchemy import select, update

from issuance.derived_keys import Purpose
from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import (
    ensure_campaign,
    find_campaign,
    pause_campaign,
    resume_campaign,
)
from ledger.dispatch.backlog import Outstanding
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import unqueue
from ledger.intake.insertion import insert_jobs
from ledger.queries.campaign_accounts import working_accounts
from ledger.store.clock import now_ms
from ledger.store.schema import jobs
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs


def numbers_of(chunks):
    return [number for chunk in chunks for number in chunk.job_numbers]


def test_a_chunk_names_its_campaign_its_lane_and_every_request_id(desk):
    batch = make_jobs(2)
    desk.accept(*batch)
    (chunk,) = desk.release()
    assert (chunk.campaign, chunk.lane) == ("diwali", Lane.BLAST)
    assert chunk.request_ids == tuple(job.id for job in batch)


def test_a_chunk_names_all_request_ids_of_jobs_with_several_lines(desk):
    batch = [make_job(1), make_job(2, rewards=(1001, 1002))]
    desk.accept(*batch)
    (chunk,) = desk.release()
    assert chunk.request_ids == tuple(line.request_id for job in batch for line in job.lines)


def test_released_jobs_are_queued_and_not_released_again(desk):
    desk.accept(*make_jobs(3))
    assert len(numbers_of(desk.release())) == 3
    assert desk.release() == []
    assert desk.counts() == {State.QUEUED: 3}


def test_no_chunk_is_larger_than_the_chunk_size(desk):
    desk.accept(*make_jobs(7))
    assert [len(chunk.job_numbers) for chunk in desk.release(chunk_size=3)] == [3, 3, 1]


def test_no_more_than_the_window_is_queued_at_once(desk):
    desk.accept(*make_jobs(9))
    assert len(numbers_of(desk.release(window=5))) == 5
    assert desk.release(window=5) == []


def test_claimed_jobs_make_room_in_the_window(desk):
    desk.accept(*make_jobs(9))
    (chunk,) = desk.release(window=5)
    desk.claim(chunk)
    assert len(numbers_of(desk.release(window=5))) == 4


def test_a_window_of_zero_releases_nothing(desk):
    desk.accept(make_job())
    assert desk.release(window=0) == []


def test_a_job_is_not_released_before_it_is_due(desk):
    held, _ = desk.take_one(make_job())
    desk.give_back(held, delay_seconds=600)
    assert desk.release() == []
    desk.make_due()
    assert len(desk.release()) == 1


def test_jobs_that_are_due_longest_are_released_first(desk):
    early, late = make_job(2), make_job(1)
    desk.accept(late)
    desk.accept(early)
    with desk.ledger.write() as connection:
        connection.execute(
            update(jobs).where(jobs.c.id == early.id).values(due_at=now_ms() - 5_000)
        )
    (chunk,) = desk.release(window=1)
    assert chunk.request_ids == (early.id,)


def test_each_lane_has_its_own_window(desk):
    desk.accept(*make_jobs(5), *make_jobs(2, first=10, lane=Lane.BACKGROUND))
    desk.release(window=5)
    (chunk,) = desk.release(window=5, lane=Lane.BACKGROUND)
    assert (chunk.lane, len(chunk.job_numbers)) == (Lane.BACKGROUND, 2)


def test_a_paused_campaign_is_released_only_after_it_was_resumed(desk):
    desk.accept(make_job())
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.release() == []
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    assert len(desk.release()) == 1


def test_a_cancelled_campaign_is_never_released(desk):
    desk.accept(make_job())
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.release() == []


@pytest.mark.parametrize("window", [1000, 25])
def test_concurrent_releases_queue_no_job_twice_and_no_more_than_the_window(desk, at_once, window):
    desk.accept(*make_jobs(100))
    taken = [
        numbers_of(chunks)
        for chunks in at_once(*[lambda: desk.release(window=window, chunk_size=10)] * 4)
    ]
    together = [number for numbers in taken for number in numbers]
    assert len(together) == len(set(together)) == min(window, 100)


def test_chunks_that_were_not_published_are_due_again_at_once(desk):
    desk.accept(*make_jobs(4))
    published, lost = desk.release(chunk_size=2)
    unqueue(desk.ledger, [lost])
    assert desk.counts() == {State.WAITING: 2, State.QUEUED: 2}
    (again,) = desk.release()
    assert again.job_numbers == lost.job_numbers
    assert len(desk.claim(published).jobs) == 2


def test_an_unpublished_chunk_takes_back_no_job_that_is_in_another_chunk_by_now(desk):
    desk.accept(*make_jobs(2))
    (first,) = desk.release()
    desk.lapse()
    reap(desk.ledger)
    (second,) = desk.release()
    unqueue(desk.ledger, [first])
    assert desk.counts() == {State.QUEUED: 2}
    assert len(desk.claim(second).jobs) == 2


def test_a_released_job_has_its_chunks_id(desk):
    desk.accept(*make_jobs(3))
    chunks = desk.release(chunk_size=2)
    assert [len(chunk.job_numbers) for chunk in chunks] == [2, 1]
    with desk.ledger.read() as connection:
        found = dict(map(tuple, connection.execute(select(jobs.c.number, jobs.c.chunk_id))))
    assert found == {number: chunk.id for chunk in chunks for number in chunk.job_numbers}


def test_a_chunk_that_the_broker_refused_lets_other_jobs_go_first(desk):
    desk.accept(*make_jobs(4))
    refused, _ = desk.release(chunk_size=2)
    unqueue(desk.ledger, [refused], delay_seconds=60)
    assert desk.counts() == {State.WAITING: 2, State.QUEUED: 2}
    assert desk.release() == []
    desk.make_due()
    (again,) = desk.release()
    assert again.job_numbers == refused.job_numbers


def test_a_chunk_that_was_claimed_after_all_is_not_taken_back(desk):
    desk.accept(make_job())
    (chunk,) = desk.release()
    desk.claim(chunk)
    unqueue(desk.ledger, [chunk])
    assert desk.counts() == {State.RUNNING: 1}


def test_one_job_of_a_suspended_campaign_is_queued_at_a_time(desk):
    desk.accept(*make_jobs(5))
    probed = {desk.campaign.id}
    (chunk,) = desk.release(probed=probed)
    assert len(chunk.job_numbers) == 1
    assert desk.release(probed=probed) == []
    desk.claim(chunk)
    assert len(numbers_of(desk.release(probed=probed))) == 1
    assert len(numbers_of(desk.release())) == 3


def test_a_suspended_campaign_does_not_shrink_anothers_share_of_the_window(desk):
    other = desk.another("holi")
    desk.accept(*make_jobs(50))
    other.accept(*make_jobs(50, campaign="holi"))
    released = {
        chunk.campaign: len(chunk.job_numbers)
        for chunk in desk.release(window=20, probed={desk.campaign.id})
    }
    assert released["diwali"] == 1
    assert released["holi"] >= 10


def test_a_suspended_campaign_with_queued_jobs_waits_until_they_are_claimed(desk):
    desk.accept(*make_jobs(5))
    (chunk,) = desk.release(window=3)
    assert desk.release(probed={desk.campaign.id}) == []
    desk.claim(chunk)
    assert len(numbers_of(desk.release(probed={desk.campaign.id}))) == 1


@pytest.mark.parametrize(("newest", "place"), [(False, 0), (True, -1)])
def test_a_suspended_campaigns_probe_is_the_job_that_became_due_first_or_last(desk, newest, place):
    batch = make_jobs(5)
    desk.accept(*batch)
    (chunk,) = desk.release(probed={desk.campaign.id}, newest_probes=newest)
    assert chunk.request_ids == (batch[place].id,)


def test_a_campaign_without_open_jobs_is_finished(desk):
    held, claimed = desk.take_one(make_job())
    desk.release()
    assert find_campaign(desk.ledger, "diwali").state == "running"
    desk.record(held, judge(claimed, issue(claimed)))
    desk.release()
    assert find_campaign(desk.ledger, "diwali").state == "finished"


def test_a_campaign_with_later_jobs_or_without_any_is_not_finished(desk):
    desk.another("holi")
    held, _ = desk.take_one(make_job())
    desk.give_back(held, delay_seconds=600)
    desk.release()
    assert find_campaign(desk.ledger, "diwali").state == "running"
    assert find_campaign(desk.ledger, "holi").state == "running"


def test_a_campaign_that_accepts_jobs_concurrently_is_not_finished(desk):
    held, claimed = desk.take_one(make_job(1))
    desk.record(held, judge(claimed, issue(claimed)))
    releasing = threading.Thread(target=desk.release)
    key = desk.ledger.key(Purpose.CUSTOMERS)
    with desk.ledger.write() as connection:
        insert_jobs(connection, desk.campaign.id, [make_job(2)], customer_key=key)
        releasing.start()
        releasing.join(0.2)  # it ends, or waits for this transaction: both are fine
    releasing.join(10)
    assert len(numbers_of(desk.release())) + desk.counts().get(State.QUEUED, 0) >= 1
    assert find_campaign(desk.ledger, "diwali").state == "running"


def _two_accounts(desk):
    ensure_campaign(desk.ledger, "north", account="north")
    north = desk.another("north")
    desk.accept(*make_jobs(20))
    north.accept(*make_jobs(20, campaign="north"))
    return north


def test_only_the_campaigns_of_the_given_accounts_are_released(desk):
    _two_accounts(desk)
    assert working_accounts(desk.ledger) == {"default", "north"}
    assert [chunk.campaign for chunk in desk.release(accounts=["north"])] == ["north"]
    assert desk.release(accounts=["removed"]) == []
    assert [chunk.campaign for chunk in desk.release(accounts=["default"])] == ["diwali"]


def test_each_account_has_a_window_of_its_own(desk):
    _two_accounts(desk)
    assert len(numbers_of(desk.release(window=5, accounts=["north"]))) == 5
    assert len(numbers_of(desk.release(window=5, accounts=["default"]))) == 5
    assert desk.release(window=5, accounts=["default"]) == []


def test_claimed_jobs_count_where_several_accounts_share_the_workers(desk):
    north = _two_accounts(desk)
    bound = {"window": 8, "accounts": ["north"], "outstanding": Outstanding(8, least=4)}
    (chunk,) = desk.release(**bound)
    held = north.claim(chunk)
    assert desk.release(**bound) == []
    north.record(held, *(judge(job, issue(job)) for job in held.jobs[:3]))
    assert desk.release(**bound) == []  # less than the least
    north.record(held, judge(held.jobs[3], issue(held.jobs[3])))
    assert len(numbers_of(desk.release(**bound))) == 4
    assert len(numbers_of(desk.release(window=8, accounts=["default"]))) == 8


def test_old_claims_do_not_count_against_a_probe(desk):
    north = _two_accounts(desk)
    probes = {"window": 2, "chunk_size": 1, "accounts": ["north"]}
    for chunk in desk.release(**probes):
        north.claim(chunk)
    assert desk.release(**probes, outstanding=Outstanding(2, left_over_seconds=0)) == []
    outstanding = Outstanding(2, left_over_seconds=10_000)
    assert len(desk.release(**probes, outstanding=outstanding)) == 2


def test_a_chunk_of_an_account_that_was_removed_goes_back_unclaimed(desk):
    north = _two_accounts(desk)
    (chunk,) = desk.release(accounts=["north"])
    held = north.claim(chunk, accounts=["default"])
    assert (held.jobs, held.account) == ((), "north")
    assert north.counts() == {State.WAITING: 20}
    (again,) = desk.release(accounts=["north"])
    assert len(north.claim(again, accounts=["north"]).jobs) == 20
