"""Balances always add up, outcomes are streamed, and times are the database's."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from issuance.states import State
from ledger.campaigns import pause_campaign
from ledger.queries.balance import attempts_per_second, balance, balances, open_lines
from ledger.queries.outcomes import find_line, lines_of_job, outcomes
from ledger.results.recording import record
from ledger.store.clock import now_ms
from ledger.store.schema import attempts, jobs
from tests.contract.ledger.build import OPERATOR, TIMEOUT, issue, judge, make_job, make_jobs, refuse


def test_a_balance_counts_every_line_in_exactly_one_state(desk):
    desk.accept(*make_jobs(6), make_job(50, rewards=(1001, 1002)))
    desk.release(window=5, chunk_size=1)
    held = desk.take()
    assert balance(desk.ledger, "diwali").balanced
    first, *_ = held.jobs
    desk.record(held, judge(first, issue(first)))
    found = balance(desk.ledger, "diwali")
    assert found.campaign.accepted_lines == sum(found.counts.values()) == 8
    assert (found.unsettled, found.counts[State.ISSUED], found.counts[State.QUEUED]) == (7, 1, 5)


def test_a_balance_is_one_snapshot_while_outcomes_are_recorded(desk):
    held, claimed = desk.take_one(make_job())
    with desk.ledger.read() as connection:
        query = select(jobs.c.state)
        before = connection.scalar(query)
        record(desk.ledger, held.chunk_id, [judge(claimed, issue(claimed))], worker="w-1")
        assert connection.scalar(query) == before == "running"


def test_balances_stay_balanced_while_outcomes_are_recorded(desk, at_once):
    desk.accept(*make_jobs(40))
    held = desk.take()

    def work():
        for claimed in held.jobs:
            desk.record(held, judge(claimed, issue(claimed)))

    def look():
        return [balance(desk.ledger, "diwali").balanced for _ in range(40)]

    _, looks = at_once(work, look)
    assert all(looks)


def test_a_balance_has_the_open_dead_letters_and_the_oldest_due_time(desk):
    desk.settle(make_job(1), refuse())
    assert balance(desk.ledger, "diwali").oldest_due is None
    desk.accept(make_job(2))
    found = balance(desk.ledger, "diwali")
    assert found.open_dead_letters == 1
    assert abs(found.oldest_due - datetime.now(UTC)) < timedelta(seconds=30)


def test_every_campaign_has_a_balance(desk):
    desk.another("holi").accept(make_job(1, campaign="holi"))
    assert [(found.campaign.name, found.unsettled) for found in balances(desk.ledger)] == [
        ("diwali", 0),
        ("holi", 1),
    ]


def test_open_lines_leave_out_paused_campaigns(desk):
    desk.accept(make_job(1, rewards=(1001, 1002)))
    desk.another("holi").accept(make_job(2, campaign="holi"))
    assert open_lines(desk.ledger) == 3
    pause_campaign(desk.ledger, "holi", OPERATOR)
    assert open_lines(desk.ledger) == 2


def test_the_rate_counts_calls_of_the_last_ten_seconds(desk):
    desk.settle(make_job(), refuse())
    with desk.ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms() - 1_000))
    assert attempts_per_second(desk.ledger) == 0.1
    with desk.ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms() - 20_000))
    assert attempts_per_second(desk.ledger) == 0


def test_outcomes_stream_in_order_of_acceptance(desk):
    batch = make_jobs(25)
    desk.accept(*batch)
    desk.another("holi").accept(make_job(1, campaign="holi"))
    assert [line.request_id for line in outcomes(desk.ledger, desk.campaign)] == [
        job.id for job in batch
    ]


def test_outcomes_are_filtered_by_state(desk):
    issued = desk.settle(make_job(1), issue_first())
    failed = desk.settle(make_job(2), refuse())
    desk.accept(make_job(3))
    desk.release()
    desk.accept(make_job(4))

    def ids(state):
        return [line.job_id for line in outcomes(desk.ledger, desk.campaign, states=[state])]

    assert ids(State.ISSUED) == [issued.id]
    assert ids(State.FAILED) == [failed.id]
    assert ids(State.QUEUED) == [make_job(3).id]
    assert ids(State.WAITING) == [make_job(4).id]
    assert ids(State.RUNNING) == []


def issue_first():
    return type(refuse())(200, b'{"status": {"success": true, "code": 200}}')


def test_an_unsettled_line_has_the_state_of_its_job(desk):
    job = make_job()
    desk.accept(job)
    assert desk.line(job).state == State.WAITING
    desk.release()
    assert find_line(desk.ledger, job.id).state == State.QUEUED


def test_any_line_of_a_job_finds_all_of_them(desk):
    job = make_job(rewards=(1001, 1002))
    desk.accept(job)
    second = job.lines[1].request_id
    assert [line.reward_id for line in lines_of_job(desk.ledger, second)] == [1001, 1002]
    assert find_line(desk.ledger, second).job_id == job.id
    assert find_line(desk.ledger, "no such id") is None


def test_more_outcomes_than_are_read_at_once_are_streamed(desk):
    desk.accept(*make_jobs(1200))
    stream = outcomes(desk.ledger, desk.campaign)
    assert next(stream).request_id == make_job(1).id
    assert sum(1 for _ in stream) == 1199


def test_times_are_whole_milliseconds_of_the_databases_clock(ledger):
    with ledger.read() as connection:
        first, second = connection.scalar(select(now_ms())), connection.scalar(select(now_ms()))
    assert isinstance(first, int)
    assert first <= second
    assert abs(first / 1000 - datetime.now(UTC).timestamp()) < 30


def test_a_lease_lasts_as_long_as_requested(desk):
    _, claimed = desk.take_one(make_job())
    row = desk.row(claimed.id)
    assert row.lease_until - row.first_claimed_at == 60_000


def test_a_job_is_settled_at_the_ledgers_time(desk):
    claimed = desk.settle(make_job(), TIMEOUT)
    row = desk.row(claimed.id)
    assert row.accepted_at <= row.first_claimed_at <= row.settled_at


@pytest.mark.parametrize("seconds", [0.0, 0.0001])
def test_a_tiny_wait_is_due_soon_but_never_early(desk, seconds):
    held, claimed = desk.take_one(make_job())
    desk.give_back(held, delay_seconds=seconds)
    row = desk.row(claimed.id)
    assert row.due_at >= row.first_claimed_at
