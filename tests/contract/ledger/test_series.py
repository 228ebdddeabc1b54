"""A campaign over time: its calls, how long they took, and what happened."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from issuance.outcome import Kind
from issuance.states import CampaignState
from ledger.audit_log import Operator, account_target, record_action
from ledger.campaigns import pause_campaign
from ledger.queries.call_spans import SAMPLED_CALLS
from ledger.stop_loss.resuming import resume
from ledger.store.schema import attempts, campaign_notices, campaigns, jobs
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.series.calls import MOST_SPANS, SeriesCache, read_calls, span_size_ms
from operations.series.marks import MOST_MARKS, read_marks
from tests.contract.ledger.build import OPERATOR, make_jobs

_START = datetime(2026, 1, 7, 12, tzinfo=UTC)
_VIEWER = Subject(Operator("ann"), Grant(frozenset({Role.VIEWER}), "a test", ""))


def _ms(at):
    return int(at.timestamp() * 1000)


def _finished(desk, lasting, **more):
    """Let the campaign have worked from the start for some time."""
    values = {"state": CampaignState.FINISHED, "finished_at": _ms(_START + lasting)}
    values |= {"created_at": _ms(_START), "started_at": _ms(_START)}
    with desk.ledger.write() as connection:
        of_desk = campaigns.c.id == desk.campaign.id
        connection.execute(update(campaigns).where(of_desk).values(values | more))


def _call(desk, calls):
    """Record calls of the campaign, one a job: seconds after the start, ms taken, and the kind."""
    first = desk.campaign.id * 1_000
    accepted = make_jobs(len(calls), first=first, campaign=desk.campaign.name)
    desk.accept(*accepted)
    with desk.ledger.write() as connection:
        numbers = connection.execute(
            jobs.select().where(jobs.c.campaign_id == desk.campaign.id).order_by(jobs.c.number)
        ).all()
        fixed = {"number": 1, "decision": "settle issued", "worker": "w"}
        rows = [
            fixed
            | {"job_number": row.number, "started_at": _ms(_START) + round(after * 1000)}
            | {"took_ms": took, "kind": kind.value}
            for row, (after, took, kind) in zip(numbers, calls, strict=True)
        ]
        connection.execute(insert(attempts), rows)


def _series(desk, cache=None, seconds=None):
    cache = cache or SeriesCache()
    return read_calls(_VIEWER, desk.ledger, desk.campaign.name, cache, seconds=seconds)


def test_calls_are_counted_by_the_time_at_which_they_began(desk):
    _call(desk, [(0, 10, Kind.ISSUED), (1, 30, Kind.ISSUED), (65, 20, Kind.FAILED)])
    _finished(desk, timedelta(minutes=3))
    series = _series(desk)
    assert (series.span_seconds, series.expected, series.is_complete) == (1, 181, True)
    rates = dict(series.calls_per_minute())
    assert [rates[_START.timestamp() + after] for after in (0, 1, 2, 65)] == [60, 60, 0, 60]
    assert not series.is_sampled
    answered = dict(series.answers(Kind.FAILED))
    assert [answered[_START.timestamp() + after] for after in (0, 65)] == [0, 100]
    assert series.kinds() == [Kind.ISSUED, Kind.FAILED]


def test_percentiles_are_of_the_calls_of_a_span(desk):
    _call(desk, [(0.001 * number, number, Kind.ISSUED) for number in range(1, 101)])
    _finished(desk, timedelta(seconds=90))
    series = _series(desk)
    found = [dict(series.percentile(each))[_START.timestamp()] for each in (50, 95, 99)]
    assert found == [50, 95, 99]
    assert series.percentile(50)[5] == (_START.timestamp() + 5, None)


def test_calls_of_other_campaigns_are_left_out(desk):
    other = desk.another("onam")
    _call(desk, [(0, 10, Kind.ISSUED)] * 2)
    _call(other, [(0, 500, Kind.FAILED)] * 3)
    _finished(desk, timedelta(seconds=10))
    assert _series(desk).spans[0].calls == 2
    assert _series(desk).kinds() == [Kind.ISSUED]


def test_a_span_with_many_calls_is_estimated_from_a_sample_and_says_so(desk):
    other = desk.another("onam")
    count = SAMPLED_CALLS * 3
    _call(desk, [(number / count, 10, Kind.ISSUED) for number in range(count)])
    _call(other, [(number / count, 10, Kind.ISSUED) for number in range(count)])
    _finished(desk, timedelta(seconds=10))
    series = _series(desk)
    assert series.is_sampled
    assert series.spans[0].calls == pytest.approx(count, rel=0.05)
    assert _series(desk) == series


def test_a_complete_span_is_read_once(desk):
    _call(desk, [(0, 10, Kind.ISSUED), (5, 10, Kind.ISSUED)])
    _finished(desk, timedelta(seconds=10))
    cache = SeriesCache()
    before = _series(desk, cache)
    with desk.ledger.write() as connection:
        connection.execute(attempts.delete())
    assert _series(desk, cache) == before
    assert sum(span.calls for span in _series(desk).spans) == 0


def test_a_reading_that_takes_long_is_continued_by_the_next_one(desk):
    _call(desk, [(0, 10, Kind.ISSUED)])
    _finished(desk, timedelta(minutes=3))
    cache = SeriesCache()
    first = _series(desk, cache, seconds=-1)
    assert (first.is_complete, len(first.spans)) == (False, 0)
    assert _series(desk, cache).is_complete
    assert _series(desk, cache, seconds=-1).is_complete


def test_a_campaign_that_has_not_started_has_no_calls(desk):
    _finished(desk, timedelta(0), state=CampaignState.DRAFT)
    assert _series(desk).spans == ()
    assert read_marks(_VIEWER, desk.ledger, "diwali").shown == []


@pytest.mark.parametrize("days", [0, 0.001, 1, 30, 400, 4_000])
def test_any_campaign_has_at_most_two_hundred_points(days):
    begin, end = _ms(_START), _ms(_START + timedelta(days=days))
    size = span_size_ms(begin, end)
    assert end // size - begin // size + 1 <= MOST_SPANS


def test_a_pause_lasts_until_the_resumption(desk):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    resume(desk.ledger, "diwali", OPERATOR)
    pause, resumed = read_marks(_VIEWER, desk.ledger, "diwali").shown
    assert (pause.what, pause.until) == ("asha paused diwali", resumed.at)
    assert (resumed.what, resumed.until) == ("asha resumed diwali", None)


def test_what_was_done_to_the_account_is_marked(desk):
    with desk.ledger.write() as connection:
        record_action(
            connection,
            OPERATOR,
            verb="set limit done",
            target=account_target("default"),
            before="600 calls a minute",
            after="60 calls a minute",
        )
    (mark,) = read_marks(_VIEWER, desk.ledger, "diwali").shown
    assert mark.what.startswith("asha set the limit of account default from 600 calls a minute")


def test_closed_windows_and_the_budget_are_marked(desk):
    _finished(desk, timedelta(hours=24), window="09:00-21:00", timezone="Asia/Kolkata")
    with desk.ledger.write() as connection:
        values = {"campaign_id": desk.campaign.id, "at": _ms(_START), "percent": 80}
        connection.execute(insert(campaign_notices).values(figures="{}", **values))
    notice, closed = read_marks(_VIEWER, desk.ledger, "diwali").shown
    assert (notice.what, notice.at) == ("80 % of the budget is issued", _START.timestamp())
    assert datetime.fromtimestamp(closed.at, UTC) == datetime(2026, 1, 7, 15, 30, tzinfo=UTC)
    assert datetime.fromtimestamp(closed.until, UTC) == datetime(2026, 1, 8, 3, 30, tzinfo=UTC)
    assert "09:00-21:00" in closed.what


def test_there_is_a_bound_of_marks_and_their_number_is_said(desk):
    _finished(desk, timedelta(days=200), window="09:00-21:00", timezone="UTC")
    marks = read_marks(_VIEWER, desk.ledger, "diwali")
    assert (len(marks.shown), marks.total) == (MOST_MARKS, 200)
