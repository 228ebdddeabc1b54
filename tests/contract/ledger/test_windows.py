"""A campaign's window: nothing is released or claimed outside it, and nothing is lost by it."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from issuance.job import Lane
from issuance.states import State
from ledger.dispatch.cancellation import cancel_campaign
from ledger.store.clock import now_ms
from ledger.store.schema import campaigns, jobs
from ledger.windows import closes_in_seconds, is_open, open_seconds, open_since
from tests.contract.ledger.build import (
    BUSY_CODE,
    OPERATOR,
    TIMEOUT,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)


def hours(opens: timedelta, closes: timedelta) -> str:
    """Write a daily window relative to now, in UTC."""
    now = datetime.now(UTC)
    return f"{now + opens:%H:%M}-{now + closes:%H:%M}"


OPEN = hours(timedelta(hours=-3), timedelta(hours=3))
CLOSED = hours(timedelta(hours=6), timedelta(hours=9))


def set_window(desk, window, timezone="UTC"):
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == desk.campaign.id)
            .values(window=window, timezone=timezone)
        )


def test_a_campaign_outside_its_window_is_not_released_and_others_are(desk):
    desk.accept(*make_jobs(3))
    set_window(desk, CLOSED)
    other = desk.another("onam")
    other.accept(*make_jobs(2, campaign="onam"))
    (chunk,) = desk.release()
    assert (chunk.campaign, len(chunk.job_numbers)) == ("onam", 2)
    assert desk.counts() == {State.WAITING: 3}


def test_what_waited_for_the_window_is_released_when_it_opens(desk):
    desk.accept(*make_jobs(3))
    set_window(desk, CLOSED)
    assert desk.release() == []
    set_window(desk, OPEN)
    (chunk,) = desk.release()
    assert len(desk.claim(chunk).jobs) == 3


def test_the_zone_decides_when_a_window_is_open(desk):
    desk.accept(make_job())
    set_window(desk, OPEN, "Pacific/Kiritimati")  # 14 hours ahead
    assert desk.release() == []
    set_window(desk, OPEN, "UTC")
    assert len(desk.release()) == 1


def test_jobs_that_were_queued_when_the_window_closed_go_back_untouched(desk):
    desk.accept(*make_jobs(3))
    (chunk,) = desk.release()
    set_window(desk, CLOSED)
    assert desk.claim(chunk).jobs == ()
    rows = rows_of(desk)
    assert {(row.state, row.claims, row.attempts, row.lease_until) for row in rows} == {
        ("waiting", 0, 0, None)
    }
    set_window(desk, OPEN)
    (again,) = desk.release()
    assert desk.claim(chunk).jobs == ()
    assert len(desk.claim(again).jobs) == 3


def rows_of(desk):
    with desk.ledger.read() as connection:
        return connection.execute(select(jobs).order_by(jobs.c.number)).all()


def test_a_claim_says_when_the_window_closes_by_the_workers_own_clock(desk):
    desk.accept(make_job())
    now = datetime.now(UTC)
    closes = (now + timedelta(minutes=2)).replace(second=0, microsecond=0)
    set_window(desk, f"{now - timedelta(hours=2):%H:%M}-{closes:%H:%M}")
    (chunk,) = desk.release()
    held = desk.claim(chunk)
    left = (closes - datetime.now(UTC)).total_seconds()
    assert held.closes_at == pytest.approx(time.monotonic() + left, abs=0.5)


def test_a_claim_without_a_window_has_no_end(desk):
    desk.accept(make_job())
    (chunk,) = desk.release()
    assert desk.claim(chunk).closes_at is None


def test_a_window_of_the_whole_week_has_no_end(desk):
    desk.accept(make_job())
    set_window(desk, "mon-sun 00:00-24:00")
    (chunk,) = desk.release()
    assert desk.claim(chunk).closes_at == float("inf")


def test_the_jobs_of_a_dead_worker_are_taken_over_but_may_not_be_called_outside_the_window(desk):
    desk.accept(make_job())
    (chunk,) = desk.release()
    desk.claim(chunk)
    set_window(desk, CLOSED)
    held = desk.claim(chunk, orphaned=True)
    assert len(held.jobs) == 1
    assert held.closes_at <= time.monotonic()


def test_a_retry_that_falls_outside_the_window_waits_for_the_next(desk):
    set_window(desk, OPEN)
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, refuse(BUSY_CODE)))
    desk.make_due()
    set_window(desk, CLOSED)
    assert desk.release() == []
    set_window(desk, OPEN)
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.counts() == {State.ISSUED: 1}


def test_closed_hours_do_not_use_up_the_time_in_which_a_job_is_tried(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, refuse(BUSY_CODE)))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(budget_started_at=now_ms() - 20 * 3_600_000))
    set_window(desk, hours(timedelta(hours=-2), timedelta(hours=2)))
    _, claimed = desk.take_one()
    assert claimed.budget_age_seconds == pytest.approx(2 * 3_600, abs=62)


def test_a_cancelled_campaign_reads_only_within_its_window(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TIMEOUT))
    cancel_campaign(desk.ledger, desk.campaign.name, OPERATOR)
    desk.make_due()
    set_window(desk, CLOSED)
    assert desk.release() == []
    set_window(desk, OPEN)
    (chunk,) = desk.release()
    assert desk.claim(chunk).jobs[0].fallback is State.IN_DOUBT


@pytest.mark.parametrize(("window", "timezone"), [("gibberish", "UTC"), (OPEN, "Mars/Base")])
def test_a_window_that_cannot_be_read_is_closed(desk, window, timezone):
    desk.accept(make_job())
    (chunk,) = desk.release()
    set_window(desk, window, timezone)
    assert desk.claim(chunk).jobs == ()
    assert desk.release() == []
    assert desk.counts() == {State.WAITING: 1}


def test_the_background_lane_obeys_a_window_too(desk):
    desk.accept(make_job(lane=Lane.BACKGROUND))
    set_window(desk, CLOSED)
    assert desk.release(lane=Lane.BACKGROUND) == []


NINE = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000


def test_windows_by_the_ledgers_clock():
    window = ("mon-sat 09:00-21:00", "UTC")
    assert [is_open(*window, at) for at in (NINE - 1, NINE, NINE + 12 * HOUR)] == [
        False,
        True,
        False,
    ]
    assert closes_in_seconds(*window, NINE + 1_500) == 12 * 3_600 - 1.5
    assert closes_in_seconds(*window, NINE - 1) == 0
    assert open_seconds(*window, NINE + HOUR, 24 * 3_600) == 3_600
    assert open_since(*window, NINE + HOUR, NINE - 5 * HOUR) == NINE
    assert open_since(*window, NINE - 1, NINE - 5 * HOUR) is None


def test_a_window_that_cannot_be_read_is_never_open():
    window = ("gibberish", None)
    assert closes_in_seconds(*window, NINE) == 0
    assert open_seconds(*window, NINE, 60) == 60
    assert open_since(*window, NINE, NINE) is None
