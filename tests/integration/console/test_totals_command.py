"""`issuance totals`: what was issued and revoked, by campaign, reward and day."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from issuance.states import State
from ledger.retention.pruning import prune
from ledger.store.schema import jobs, lines
from tests.contract.ledger.build import answer, judge, make_job, refuse, say


def _at(*parts):
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def _issue(desk, number, reward=1001, *, quantity=1, points=None, at=None, campaign="spring"):
    held, job = desk.take_one(
        make_job(number, campaign=campaign, rewards=(reward,), quantity=quantity)
    )
    units = [{"couponCode": f"V-{number}-{unit}"} for unit in range(quantity)]
    if points is not None:
        units[0] |= {"pointsRedeemedInDecimal": points}
    desk.record(held, judge(job, answer(say(job.lines[0]) | {"intouch": units})))
    if at is not None:
        with desk.ledger.write() as connection:
            of_line = lines.c.request_id == job.id
            connection.execute(update(lines).where(of_line).values(settled_at=at))
    return job.id


@pytest.fixture
def issued(desk):
    """Two campaigns, two rewards and two days; one line is revoked, one refused."""
    _issue(desk, 1, quantity=2, points="12.375", at=_at(2026, 11, 28, 18, 29))
    revoked = _issue(desk, 2, quantity=3, points="10", at=_at(2026, 11, 28, 18, 30))
    _issue(desk.another("winter"), 3, 1002, at=_at(2026, 11, 29), campaign="winter")
    desk.settle(make_job(4, campaign="spring"), refuse())
    with desk.ledger.write() as connection:
        of_line = lines.c.request_id == revoked
        connection.execute(update(lines).where(of_line).values(state=State.REVOKED))
    return desk


def _totals(run, *options):
    found = json.loads(run("totals", *options, "--json").stdout)
    return found["totals"], found["whole"]


def test_totals_are_net_of_what_was_revoked(run, issued):
    found, whole = _totals(run)
    assert found[0] == {
        "campaign": "spring", "reward": "1001",
        "lines": 2, "units": 5, "points": "22.375",
        "revokedLines": 1, "revokedUnits": 3, "revokedPoints": "10",
        "netUnits": 2, "netPoints": "12.375",
    }  # fmt: skip
    assert [(each["campaign"], each["reward"]) for each in found] == [
        ("spring", "1001"),
        ("winter", "1002"),
    ]
    assert (whole["units"], whole["netUnits"]) == (6, 3)


@pytest.mark.parametrize(
    ("options", "days"),
    [
        (("--by", "day"), {"2026-11-28": 5, "2026-11-29": 1}),
        (("--by", "day", "--timezone", "Asia/Kolkata"), {"2026-11-28": 2, "2026-11-29": 4}),
        (("--by", "day", "--from", "2026-11-29"), {"2026-11-29": 1}),
        (("--by", "day", "--to", "2026-11-28"), {"2026-11-28": 5}),
        (("--by", "day", "--campaign", "winter"), {"2026-11-29": 1}),
    ],
)
def test_days_begin_in_the_zone_that_is_asked_for(run, issued, options, days):
    found, _ = _totals(run, *options)
    assert {each["day"]: each["units"] for each in found} == days


def test_csv_and_table_have_the_same_sums(run, issued):
    [row, *_] = csv.DictReader(io.StringIO(run("totals", "--by", "reward,day", "--csv").stdout))
    assert (row["reward"], row["day"], row["netUnits"]) == ("1001", "2026-11-28", "2")
    lines_shown = run("totals").stdout.splitlines()
    assert lines_shown[0].split()[:5] == ["campaign", "reward", "rewards", "units", "points"]
    assert lines_shown[-1].split() == ["all", "3", "6", "22.375", "3", "3", "12.375"]


def test_pruned_lines_count_without_a_day(run, issued):
    issued.accept(make_job(9, campaign="spring"))  # the newest job is never pruned
    with issued.ledger.write() as connection:
        connection.execute(update(jobs).values(settled_at=1, accepted_at=1))
    list(prune(issued.ledger, older_than_seconds=1))
    found, whole = _totals(run, "--by", "campaign,day")
    assert {(each["campaign"], each["day"]) for each in found} == {
        ("spring", None),
        ("winter", None),
    }
    assert whole["netUnits"] == 3
    assert _totals(run, "--from", "2026-01-01")[0] == []


@pytest.mark.parametrize(
    "options",
    [("--by", "till"), ("--by", "day,day"), ("--from", "soon"), ("--timezone", "Mars/Base")],
)
def test_what_cannot_be_read_is_refused(run, issued, options):
    result = run("totals", *options)
    assert (result.exit_code, result.stdout) == (2, "")


def test_nothing_issued_is_said(run, desk):
    assert "Nothing was issued." in run("totals").stderr
