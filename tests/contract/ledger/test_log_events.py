"""Log events: a search for a requestId finds its history, without what was rolled back."""

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
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)


@pytest.fixture
def logged():
    with capture_logs() as events:
        yield events


def grep(logged, request_id):
    """Return the events that contain a requestId, in order."""
    return [event["event"] for event in logged if request_id in str(event)]


def test_a_resend_is_logged_from_opening_to_closing(desk, logged):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, TIMEOUT)
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    expected = ["dead_letter_opened", "dead_letter_resent", "dead_letter_closed"]
    assert [grep(logged, line.request_id) for line in job.lines] == [expected] * 2
    opened, begun, resent, _ = logged
    assert (begun["event"], begun["letters"], begun["operator"]) == ("redrive_begun", 1, "asha")
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


def test_an_opened_dead_letter_is_logged_without_what_its_job_holds(desk, logged):
    held, job = desk.take_one(make_job(quantity=2))
    shown = say(job.lines[0], 8010, units=1, vouchers=["summer-treat"])
    shown["status"]["message"] = f"summer-treat of {job.customer.value}"
    desk.record(held, judge(job, answer(shown)))
    (opened,) = logged
    assert opened["message"] == "**** of ****"
    (letter,) = desk.letters()
    assert letter.vouchers == ("summer-treat",)
    assert letter.known == (job.customer.value, "summer-treat")
    desk.redrive(Verb.RESEND)
    _, again = desk.take_one()
    assert again.shown_vouchers == ("summer-treat",)


def test_a_reissue_is_logged_with_both_request_ids_of_each_line(desk, logged):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, refuse())
    desk.redrive(Verb.REISSUE)
    _, again = desk.take_one()
    pairs = [
        (event["request_id"], event["reissued_as"])
        for event in logged
        if event["event"] == "dead_letter_reissued"
    ]
    assert pairs == [
        (old.request_id, new.request_id) for old, new in zip(job.lines, again.lines, strict=True)
    ]
    assert again.reissue_of == job.id


def test_a_discard_is_logged(desk, logged):
    desk.settle(make_job(), refuse())
    desk.discard()
    assert grep(logged, make_job().id) == ["dead_letter_opened", "dead_letter_discarded"]


def test_a_cancel_is_logged_for_each_job(desk, logged):
    desk.accept(*make_jobs(3))
    held = desk.take()
    doubted, refused, unsent = held.jobs
    desk.record(held, judge(doubted, TIMEOUT), judge(refused, TOO_MANY))
    desk.give_back(held)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert grep(logged, doubted.id) == ["reconciliation_scheduled"]
    assert grep(logged, refused.id) == ["dead_letter_opened"]
    assert grep(logged, unsent.id) == ["jobs_cancelled"]
    assert [event["campaign"] for event in logged if event["event"] == "campaign_cancelled"] == [
        "diwali"
    ]


def test_lost_workers_are_logged_up_to_the_dead_letter(desk, logged):
    job = make_job()
    desk.accept(job)
    for _ in range(CLAIMS_MAX + 1):
        desk.take()
        desk.lapse()
        reap(desk.ledger)
    lapses = ["leases_lapsed"] * CLAIMS_MAX
    assert grep(logged, job.id) == [
        *lapses,
        "reconciliation_scheduled",
        "leases_lapsed",
        "dead_letter_opened",
    ]


def test_lost_messages_and_lost_workers_are_logged_separately(desk, logged):
    desk.accept(*make_jobs(2))
    first, _ = desk.release(chunk_size=1)
    desk.claim(first)
    desk.lapse()
    reap(desk.ledger)
    assert [(event["lost"], event["count"]) for event in logged] == [("message", 1), ("worker", 1)]


def test_claims_taken_over_are_logged(desk, logged):
    jobs = make_jobs(2)
    desk.accept(*jobs)
    (chunk,) = desk.release()
    desk.claim(chunk)
    desk.claim(chunk, orphaned=True)
    (event,) = logged
    assert (event["event"], event["chunk_id"]) == ("claims_taken_over", chunk.id)
    assert event["request_ids"] == [job.id for job in jobs]


def test_an_entry_has_at_most_fifty_request_ids_and_none_is_left_out(desk, logged):
    jobs = make_jobs(1_020)
    desk.accept(*jobs)
    desk.release(window=1_020)
    desk.lapse()
    reap(desk.ledger)
    assert max(event["count"] for event in logged) == 50
    assert sorted(chain.from_iterable(event["request_ids"] for event in logged)) == sorted(
        job.id for job in jobs
    )


def test_a_rolled_back_event_is_not_logged(desk, logged):
    def break_off():
        with desk.ledger.write() as connection:
            log_after_commit(connection, "never")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        break_off()
    assert logged == []


def test_a_pause_is_logged_with_its_operator_and_the_former_state(desk, logged):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    (event,) = logged
    assert (event["event"], event["campaign"], event["before"]) == (
        "campaign_paused",
        "diwali",
        "running",
    )
    assert (event["operator"], event["note"]) == ("asha", "ticket 42")


def test_a_plain_success_is_not_logged_by_the_ledger(desk, logged):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, issue(claimed), policy=RetryPolicy()))
    assert logged == []
