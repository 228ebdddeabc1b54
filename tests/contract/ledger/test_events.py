"""Events: a grep for one requestId tells its story, and what was rolled back is not told."""

from itertools import chain

import pytest
from structlog.testing import capture_logs

from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from ledger.campaigns import pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.claims import CLAIMS_MAX
from ledger.dispatch.reaper import reap
from ledger.store.commit_log import log_after_commit
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    TOO_MANY,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)


@pytest.fixture
def told():
    with capture_logs() as events:
        yield events


def grep(told, request_id):
    """The names of the events that name a requestId, in their order."""
    return [event["event"] for event in told if request_id in str(event)]


def test_a_resent_job_is_followed_from_letter_to_letter(desk, told):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, TIMEOUT)
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    expected = ["dead_letter_opened", "dead_letter_resent", "dead_letter_closed"]
    assert [grep(told, line.request_id) for line in job.lines] == [expected] * 2
    opened, resent, _ = told
    assert (opened["reason"], opened["opening"], opened["letter_id"]) == (
        "in_doubt",
        1,
        resent["letter_id"],
    )
    assert (resent["campaign"], resent["operator"], resent["note"]) == (
        "diwali",
        "asha",
        "ticket 42",
    )


def test_a_reissue_is_told_in_a_line_that_holds_both_request_ids_of_each_line(desk, told):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, refuse())
    desk.redrive(Verb.REISSUE)
    _, again = desk.take_one()
    pairs = [
        (event["request_id"], event["reissued_as"])
        for event in told
        if event["event"] == "dead_letter_reissued"
    ]
    assert pairs == [
        (old.request_id, new.request_id) for old, new in zip(job.lines, again.lines, strict=True)
    ]
    assert again.reissue_of == job.id


def test_a_discard_is_told(desk, told):
    desk.settle(make_job(), refuse())
    desk.discard()
    assert grep(told, make_job().id) == ["dead_letter_opened", "dead_letter_discarded"]


def test_what_a_cancelled_campaign_does_to_each_job_is_told(desk, told):
    desk.accept(*make_jobs(3))
    held = desk.take()
    doubted, refused, unsent = held.jobs
    desk.record(held, judge(doubted, TIMEOUT), judge(refused, TOO_MANY))
    desk.give_back(held)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert grep(told, doubted.id) == ["reconciliation_scheduled"]
    assert grep(told, refused.id) == ["dead_letter_opened"]
    assert grep(told, unsent.id) == ["jobs_cancelled"]
    assert [event["campaign"] for event in told if event["event"] == "campaign_cancelled"] == [
        "diwali"
    ]


def test_lost_workers_are_told_up_to_the_letter(desk, told):
    job = make_job()
    desk.accept(job)
    for _ in range(CLAIMS_MAX + 1):
        desk.take()
        desk.lapse()
        reap(desk.ledger)
    lapses = ["leases_lapsed"] * CLAIMS_MAX
    assert grep(told, job.id) == [
        *lapses,
        "reconciliation_scheduled",
        "leases_lapsed",
        "dead_letter_opened",
    ]


def test_a_lost_message_is_told_apart_from_a_lost_worker(desk, told):
    desk.accept(*make_jobs(2))
    first, _ = desk.release(chunk_size=1)
    desk.claim(first)
    desk.lapse()
    reap(desk.ledger)
    assert [(event["lost"], event["count"]) for event in told] == [("message", 1), ("worker", 1)]


def test_claims_that_an_orphaned_message_takes_over_are_told(desk, told):
    jobs = make_jobs(2)
    desk.accept(*jobs)
    (chunk,) = desk.release()
    desk.claim(chunk)
    desk.claim(chunk, orphaned=True)
    (event,) = told
    assert (event["event"], event["chunk_id"]) == ("claims_taken_over", chunk.id)
    assert event["request_ids"] == [job.id for job in jobs]


def test_no_line_names_more_than_fifty_and_none_is_left_out(desk, told):
    jobs = make_jobs(1_020)
    desk.accept(*jobs)
    desk.release(window=1_020)
    desk.lapse()
    reap(desk.ledger)
    assert max(event["count"] for event in told) == 50
    assert sorted(chain.from_iterable(event["request_ids"] for event in told)) == sorted(
        job.id for job in jobs
    )


def test_what_was_rolled_back_is_not_told(desk, told):
    def break_off():
        with desk.ledger.write() as connection:
            log_after_commit(connection, "never")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        break_off()
    assert told == []


def test_a_pause_is_told_with_who_and_what_was_before(desk, told):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    (event,) = told
    assert (event["event"], event["campaign"], event["before"]) == (
        "campaign_paused",
        "diwali",
        "running",
    )
    assert (event["operator"], event["note"]) == ("asha", "ticket 42")


def test_an_ordinary_success_tells_nothing_here(desk, told):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, issue(claimed), policy=RetryPolicy()))
    assert told == []
