"""Recording: a group of outcomes is stored in one transaction, before the acknowledgement."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from issuance.endpoint import Variant
from issuance.replies.reply import Answer
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.campaigns import ensure_campaign
from ledger.queries.outcomes import find_line
from ledger.results.attempts import GiveBack
from ledger.store.schema import attempts
from tests.contract.ledger.build import (
    BUSY_CODE,
    LIMIT_CODE,
    NOT_SENT,
    TIMEOUT,
    TOO_MANY,
    Desk,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)

ONCE = RetryPolicy(max_attempts=1)
NOON, DAY = datetime(2026, 1, 7, 12, tzinfo=UTC), timedelta(days=1)


def attempts_of(desk):
    with desk.ledger.read() as connection:
        return connection.execute(
            select(attempts).order_by(attempts.c.job_number, attempts.c.number)
        ).all()


def test_an_issued_job_keeps_all_that_the_answer_shows(desk):
    held, claimed = desk.take_one(make_job(quantity=2))
    assert desk.record(held, judge(claimed, issue(claimed))) is False
    line = desk.line(claimed)
    assert (line.state, line.code, line.quantity, line.attempts) == (State.ISSUED, 200, 2, 1)
    assert line.vouchers == tuple(f"{line.request_id[:8]}-{unit}" for unit in range(2))
    assert line.transaction_ids == (str(int(line.request_id[:6], 16)),)
    assert line.settled_at is not None
    assert desk.counts() == {State.ISSUED: 1}
    assert desk.letters() == []


def test_a_whole_chunk_is_recorded_in_one_group(desk):
    batch = make_jobs(50)
    desk.accept(*batch)
    held = desk.take()
    desk.record(held, *(judge(claimed, issue(claimed)) for claimed in held.jobs))
    assert desk.counts() == {State.ISSUED: 50}
    assert len(attempts_of(desk)) == 50


def test_each_job_of_a_mixed_group_gets_its_own_state(desk):
    desk.accept(*make_jobs(5))
    held = desk.take()
    first, second, third, fourth, fifth = held.jobs
    opened = desk.record(
        held,
        judge(first, issue(first)),
        judge(second, refuse()),
        judge(third, TIMEOUT),
        GiveBack(fourth, 30.0, "the worker is stopping"),
    )
    assert opened is True
    assert desk.counts() == {State.ISSUED: 1, State.FAILED: 1, State.WAITING: 2, State.RUNNING: 1}
    assert desk.state(fifth) == State.RUNNING


def test_an_empty_group_records_nothing(desk):
    held, _ = desk.take_one(make_job())
    assert desk.record(held) is False
    assert desk.counts() == {State.RUNNING: 1}


def test_a_single_issue_counts_one_unit_for_any_quantity(desk):
    desk.settle(
        make_job(variant=Variant.SINGLE), Answer(200, b'{"status": {"success": true, "code": 200}}')
    )
    assert desk.counts() == {State.ISSUED: 1}


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (refuse(), State.FAILED, "failed"),
        (refuse(3004), State.FAILED, "config"),
        (refuse(LIMIT_CODE), State.FAILED, "limit"),
        (refuse(98765), State.FAILED, "unknown_code"),
        (refuse(10003), State.IN_DOUBT, "in_doubt"),
        (refuse(8010), State.PARTIAL, "partial"),
        (refuse(BUSY_CODE), State.FAILED, "exhausted"),
        (Answer(403, b"<html>"), State.FAILED, "unprocessed"),
        (NOT_SENT, State.FAILED, "exhausted"),
        (TIMEOUT, State.IN_DOUBT, "in_doubt"),
    ],
)
def test_a_job_that_is_not_issued_opens_a_dead_letter_with_the_reason(desk, reply, state, reason):
    held, claimed = desk.take_one(make_job())
    assert desk.record(held, judge(claimed, reply, policy=ONCE)) is True
    assert desk.counts() == {state: 1}
    letter = desk.letter()
    assert (letter.state, letter.reason, letter.job_id, letter.openings) == (
        "open",
        reason,
        claimed.id,
        1,
    )


@pytest.mark.parametrize(
    ("reply", "counted", "doubt"),
    [(NOT_SENT, 1, False), (TIMEOUT, 1, True), (refuse(BUSY_CODE), 1, False), (TOO_MANY, 0, False)],
)
def test_a_job_that_is_tried_again_waits_in_the_ledger(desk, reply, counted, doubt):
    held, claimed = desk.take_one(make_job())
    attempt = judge(claimed, reply)
    assert desk.record(held, attempt) is False
    row = desk.row(claimed.id)
    assert (row.state, row.lease_until, row.attempts) == ("waiting", None, 1)
    assert row.due_at > row.first_claimed_at + attempt.decision.delay_seconds * 1000 - 1
    _, again = desk.take_one()
    assert (again.attempts, again.budget_attempts, again.may_have_reached) == (1, counted, doubt)


def test_a_doubt_is_remembered_until_a_definite_answer(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TIMEOUT))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse(BUSY_CODE)))
    held, claimed = desk.take_one()
    assert claimed.may_have_reached is True
    desk.record(held, judge(claimed, issue(claimed)))
    assert bool(desk.row(claimed.id).may_have_reached) is False
    assert desk.counts() == {State.ISSUED: 1}


def test_a_job_settled_in_doubt_may_have_reached_the_api(desk):
    claimed = desk.settle(make_job(), TIMEOUT)
    assert bool(desk.row(claimed.id).may_have_reached) is True


def test_a_limit_that_is_deferred_uses_up_a_deferral_and_no_attempt(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    held, claimed = desk.take_one(make_job(campaign="patient"))
    desk.record(
        held,
        judge(claimed, refuse(LIMIT_CODE, "Max limit for the DAYS is reached"), defers_limits=True),
    )
    assert desk.counts() == {State.WAITING: 1}
    held, again = desk.take_one()
    assert (again.limit_deferrals, again.budget_attempts, again.attempts) == (1, 0, 1)


def test_a_limit_that_was_deferred_too_often_is_dead_lettered(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    desk.accept(make_job(campaign="patient"))
    now = NOON
    while desk.counts() == {State.WAITING: 1}:
        held, claimed = desk.take_one()
        desk.record(held, judge(claimed, refuse(LIMIT_CODE), defers_limits=True, now=now))
        now += timedelta(days=1)
    assert (desk.letter().reason, desk.letter().attempts) == ("limit", 4)


def test_a_deferral_is_not_used_up_when_the_next_refusal_comes_on_the_same_day(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    desk.accept(make_job(campaign="patient"))
    used = []
    for now in (NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=11), NOON + DAY):
        held, claimed = desk.take_one()
        desk.record(held, judge(claimed, refuse(LIMIT_CODE), defers_limits=True, now=now))
        used.append(desk.row(claimed.id).limit_deferrals)
    assert used == [1, 1, 1, 2]
    assert desk.row(claimed.id).attempts == 4


def test_a_claim_says_when_a_limit_was_found_used_up_and_not_when_the_job_failed_otherwise(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    held, claimed = desk.take_one(make_job(campaign="patient"))
    assert claimed.limit_refused_at is None
    desk.record(held, judge(claimed, refuse(BUSY_CODE), now=NOON))
    held, claimed = desk.take_one()
    assert claimed.limit_refused_at is None
    desk.record(held, judge(claimed, refuse(LIMIT_CODE), defers_limits=True, now=NOON + DAY))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse(BUSY_CODE), now=NOON + 2 * DAY))
    assert desk.take_one()[1].limit_refused_at == NOON + DAY


def test_a_job_that_is_given_back_waits_and_no_attempt_is_counted(desk):
    held, claimed = desk.take_one(make_job())
    desk.give_back(held, delay_seconds=90)
    row = desk.row(claimed.id)
    assert (row.state, row.attempts, row.claims, row.lease_until) == ("waiting", 0, 0, None)
    assert 80_000 < row.due_at - row.first_claimed_at <= 91_000
    assert attempts_of(desk) == []


def test_each_attempt_is_kept_with_its_decision(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TIMEOUT))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse()))
    first, second = attempts_of(desk)
    assert (first.number, first.kind, first.http_status, first.reply) == (1, "in_doubt", None, None)
    assert first.decision.startswith("try again in ")
    assert (second.number, second.kind, second.code, second.decision) == (
        2,
        "failed",
        1014,
        "settle failed",
    )
    assert (second.http_status, second.worker, second.took_ms) == (200, "w-1", 40)
    assert bytes(second.reply) == refuse().body


def test_the_lines_of_a_job_have_outcomes_of_their_own(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002)))
    good, bad = claimed.lines
    desk.record(held, judge(claimed, answer(say(good), say(bad, 8004))))
    assert [line.state for line in desk.lines(claimed)] == [State.ISSUED, State.FAILED]
    assert (desk.state(claimed), desk.letter().reason) == (State.PARTIAL, "partial")
    assert desk.counts() == {State.ISSUED: 1, State.FAILED: 1}


def test_an_issued_line_is_settled_even_when_its_job_is_tried_again(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002)))
    good, busy = claimed.lines
    desk.record(held, judge(claimed, answer(say(good), say(busy, BUSY_CODE))))
    assert desk.counts() == {State.ISSUED: 1, State.WAITING: 1}
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    assert desk.counts() == {State.ISSUED: 2}


def test_text_that_a_database_cannot_store_is_recorded_with_replacements(desk):
    held, claimed = desk.take_one(make_job())
    (line,) = claimed.lines
    element = say(line, vouchers=["A\x00B", "C"]) | {"pointsReferenceId": "p\x00"}
    desk.record(held, judge(claimed, answer(element)))
    shown = desk.line(claimed)
    assert len(shown.vouchers) == 2
    assert "\x00" not in "".join((*shown.vouchers, *shown.points_references))


@pytest.mark.parametrize("code", [2**63 - 1, 2**63, 10**30, -(10**30)])
def test_numbers_that_no_column_can_store_are_recorded_as_null(desk, code):
    held, claimed = desk.take_one(make_job())
    (line,) = claimed.lines
    desk.record(held, judge(claimed, answer(say(line, code, units=code)), policy=ONCE))
    assert sum(desk.counts().values()) == 1
    assert desk.state(claimed) in (State.FAILED, State.IN_DOUBT, State.PARTIAL)


def test_a_failure_message_with_a_nul_or_half_a_character_is_recorded(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(
        held, judge(claimed, type(TIMEOUT)("reset", "bad\x00 \ud83c end", sent=True), policy=ONCE)
    )
    assert desk.letter().message == "reset: bad\N{REPLACEMENT CHARACTER} ? end"


def test_a_campaign_may_be_named_with_255_emoji(ledger):
    name = "🎁" * 255
    desk = Desk(ledger, ensure_campaign(ledger, name))
    held, claimed = desk.take_one(make_job(campaign=name))
    desk.record(held, judge(claimed, issue(claimed)))
    assert find_line(ledger, claimed.id).campaign == name
