"""Progress and heartbeats: a lane without calls is a stall, unless it has nothing to do."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import pause_campaign
from ledger.dispatch.reaper import reap
from ledger.queries.heartbeats import Heartbeat, silent_seconds, touch
from ledger.queries.stalls import (
    count_calls,
    leased,
    recent_call_seconds,
    stalls,
    stuck_campaigns,
)
from ledger.store.clock import now_ms
from ledger.store.schema import attempts, campaigns, heartbeats, jobs
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs


@pytest.fixture
def waited(desk):
    """Move due times and calls this many seconds into the past."""

    def wait(seconds):
        with desk.ledger.write() as connection:
            connection.execute(update(jobs).values(due_at=now_ms() - seconds * 1000))
            connection.execute(update(attempts).values(started_at=now_ms() - seconds * 1000))

    return wait


def _call(desk, job):
    """Make a call for a job now."""
    held, claimed = desk.take_one(job)
    desk.record(held, judge(claimed, issue(claimed)))
    with desk.ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms()))


def test_due_work_without_a_call_is_a_stall_after_the_given_time(desk, waited):
    desk.accept(make_job(1))
    waited(50)
    assert stalls(desk.ledger, seconds=60) == []
    waited(90)
    (stall,) = stalls(desk.ledger, seconds=60)
    assert (stall.lane, stall.attempts_elsewhere) == (Lane.BLAST, 0)
    assert stall.due_seconds == pytest.approx(90, abs=5)


@pytest.mark.parametrize("claimed", [False, True])
def test_queued_or_claimed_work_without_a_call_is_a_stall(desk, waited, claimed):
    desk.accept(make_job(1))
    (chunk,) = desk.release()
    if claimed:
        desk.claim(chunk)
    waited(90)
    assert [stall.lane for stall in stalls(desk.ledger, seconds=60)] == [Lane.BLAST]


@pytest.mark.parametrize("claimed", [False, True])
def test_work_given_back_repeatedly_without_a_call_is_a_stall(desk, waited, claimed):
    desk.accept(make_job(1))
    waited(90)
    for _ in range(2):
        (chunk,) = desk.release()
        if claimed:
            desk.claim(chunk)
        desk.lapse()
        assert reap(desk.ledger) == 1
    assert [stall.lane for stall in stalls(desk.ledger, seconds=60)] == [Lane.BLAST]


def test_one_recent_call_of_the_lane_is_progress(desk, waited):
    _call(desk, make_job(1))
    desk.accept(*make_jobs(3, first=2))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 3_600_000))
    assert stalls(desk.ledger, seconds=60) == []
    waited(90)
    assert len(stalls(desk.ledger, seconds=60)) == 1


def test_calls_of_the_other_lane_are_counted_but_are_no_progress(desk):
    _call(desk, make_job(1))
    desk.accept(make_job(2, lane=Lane.BACKGROUND))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 90_000))
    (stall,) = stalls(desk.ledger, seconds=60)
    assert (stall.lane, stall.attempts_elsewhere) == (Lane.BACKGROUND, 1)


def test_paused_campaigns_and_work_that_is_not_due_do_not_stall(desk, waited):
    desk.accept(make_job(1))
    waited(-90)
    assert stalls(desk.ledger, seconds=60) == []
    waited(90)
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    assert stalls(desk.ledger, seconds=60) == []


def _set(desk, **values):
    with desk.ledger.write() as connection:
        of_desk = update(campaigns).where(campaigns.c.id == desk.campaign.id)
        connection.execute(of_desk.values(**values))


def hours(opens_in, closes_in):
    """Write a daily window relative to now, in UTC; in minutes."""
    now = datetime.now(UTC)
    opens, closes = (now + timedelta(minutes=each) for each in (opens_in, closes_in))
    return f"{opens:%H:%M}-{closes:%H:%M}"


@pytest.mark.parametrize(
    ("values", "stalled"),
    [
        ({"window": None}, True),
        ({"window": (60, 120)}, False),
        ({"window": (-1, 120)}, False),  # open for a minute or two
        ({"window": (-60, 120)}, True),
        ({"rate_per_minute": 1}, True),  # 5 calls in the time
        ({"created_at": 1_000, "started_at": now_ms() - 60_000}, False),
        ({"created_at": 1_000, "started_at": now_ms() - 600_000}, True),
    ],
)
def test_a_campaign_that_could_not_be_called_all_the_time_is_neither_stuck_nor_stalls(
    desk, waited, values, stalled
):
    desk.accept(make_job(1))
    waited(9_000)
    if values.get("window"):
        # Now, not when the tests were collected: that may be minutes ago.
        values = {"window": hours(*values["window"])}
    _set(desk, **values)
    assert bool(stalls(desk.ledger, seconds=300)) is stalled
    desk.another("onam").accept(make_job(7, campaign="onam"))
    _call_now(desk, "onam")
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 9_000_000))
    found = stuck_campaigns(desk.ledger, seconds=300)
    assert [each.name for each in found] == (["diwali"] if stalled else [])


def test_a_rate_that_allows_few_calls_is_no_stall(desk, waited):
    desk.accept(make_job(1))
    waited(9_000)
    _set(desk, rate_per_minute=1)
    assert stalls(desk.ledger, seconds=170) == []
    assert len(stalls(desk.ledger, seconds=190)) == 1


def test_each_heartbeat_has_its_age_by_the_databases_clock(ledger):
    assert silent_seconds(ledger) == {}
    touch(ledger, Heartbeat.RELEASE, Heartbeat.BEAT)
    with ledger.write() as connection:
        connection.execute(update(heartbeats).values(at=now_ms() - 40_000))
    touch(ledger, Heartbeat.RELEASE)
    silent = silent_seconds(ledger)
    assert silent[Heartbeat.RELEASE] < 5
    assert silent[Heartbeat.BEAT] == pytest.approx(40, abs=5)


def test_the_duration_of_calls_is_the_newest_ones_mean_or_none(desk):
    assert recent_call_seconds(desk.ledger) is None
    held, claimed = desk.take_one(make_job())
    desk.record(
        held, replace(judge(claimed, issue(claimed)), started_at_ms=int(time.time() * 1000))
    )
    assert recent_call_seconds(desk.ledger) == pytest.approx(0.04)


@pytest.mark.parametrize(("ago", "expected"), [(0, 3), (9, 3), (11, 1)])
def test_a_job_with_a_slow_call_does_not_count_as_still_to_be_called(desk, ago, expected):
    desk.accept(*make_jobs(3))
    first, _ = desk.release(chunk_size=2)
    desk.claim(first)
    with desk.ledger.write() as connection:
        claimed = update(jobs).where(jobs.c.state == State.RUNNING)
        connection.execute(claimed.values(lease_until=jobs.c.lease_until - ago * 1000))
    assert leased(desk.ledger, Lane.BLAST, lease_seconds=60) == expected
    assert leased(desk.ledger, Lane.BACKGROUND, lease_seconds=60) == 0


def test_a_campaign_that_gets_no_call_while_others_do_is_stuck(desk):
    other = desk.another("holi")
    desk.accept(make_job(1), make_job(2))
    other.accept(make_job(3, campaign="holi"))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 400_000))
    assert stuck_campaigns(desk.ledger, seconds=180) == [], "no campaign makes calls: a stall"
    _call_now(desk, "diwali")
    (found,) = stuck_campaigns(desk.ledger, seconds=180)
    assert (found.name, found.lane, found.weight) == ("holi", Lane.BLAST, 1)
    assert 390 < found.due_seconds < 500
    assert stuck_campaigns(desk.ledger, seconds=1_000) == [], "it is not due for that long"
    assert stuck_campaigns(desk.ledger, seconds=180, accounts=["another"]) == []
    assert count_calls(desk.ledger, Lane.BLAST, seconds=180) == 1
    assert count_calls(desk.ledger, Lane.BLAST, seconds=180, accounts=["default"]) == 1
    assert count_calls(desk.ledger, Lane.BACKGROUND, seconds=180) == 0
    pause_campaign(desk.ledger, "holi", OPERATOR)
    assert stuck_campaigns(desk.ledger, seconds=180) == [], "its operator paused it"


def _call_now(desk, campaign):
    """Record a call of one of the campaign's waiting jobs that has just been made."""
    with desk.ledger.write() as connection:
        number = connection.scalar(
            select(jobs.c.number)
            .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
            .where(campaigns.c.name == campaign)
            .limit(1)
        )
        connection.execute(
            insert(attempts).values(
                job_number=number,
                number=1,
                started_at=now_ms(),
                took_ms=1,
                kind="deferred",
                decision="try again",
                worker="w",
            )
        )
