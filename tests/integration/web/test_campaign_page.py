"""A campaign's page: outcomes, codes, lists, exports, and what can be done to it."""

import csv
import html
import io
import re

import pytest

from issuance.campaign_settings import GivenSettings
from issuance.states import State
from ledger.campaign_changes import set_campaign, submit_campaign
from ledger.campaigns import ensure_campaign, find_campaign, pause_campaign
from ledger.queries.balance import balance
from operations.outcomes import NOT_ISSUED
from tests.contract.ledger.build import (
    REFUSED_CODE,
    Desk,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)
from tests.integration.web.conftest import ADMIN
from tests.integration.web.reading import BY_OUTCOME, table


def _page(console, path="", person="viewer"):
    return console.browser(person).get(f"/campaigns/diwali{path}").text


def test_units_and_points_are_shown_by_outcome(console):
    found = balance(console.site.ledger, "diwali")
    rows = table(_page(console), BY_OUTCOME)
    assert rows[1:] == [
        ["waiting", "1", "0", "0"],
        ["issued", "1", str(found.sums[State.ISSUED].units), "0"],
        ["failed", "1", "0", "0"],
        ["all", "3", str(found.units), "0"],
    ]


def test_codes_are_explained_with_what_to_do(console):
    head, row = table(_page(console), "Lines by code")
    assert head[:2] == ["outcome", "code"]
    assert row[:2] == ["failed", str(REFUSED_CODE)]
    assert "no such customer" in row[2]
    assert row[3] == "1"
    assert "reissue" in row[4]


def test_the_budget_has_what_is_used_reserved_and_left(console):
    given = GivenSettings(budget_units=10)
    set_campaign(console.site.ledger, "diwali", given, ADMIN, zone="UTC")
    assert table(_page(console), "Budget")[1] == ["units", "10", "1", "0", "9", "10"]


def test_a_window_says_when_it_opens_or_closes_next(console):
    given = GivenSettings(window="mon-sun 00:00-23:59", timezone="Asia/Kolkata")
    set_campaign(console.site.ledger, "diwali", given, ADMIN, zone="UTC")
    found = re.search(r"The window .*? is (open|closed); it (closes|opens) <time", _page(console))
    assert found is not None
    assert found.groups() in (("open", "closes"), ("closed", "opens"))


def test_an_approval_is_shown_with_its_digest(console):
    ledger = console.site.ledger
    campaign = ensure_campaign(ledger, "spring", is_draft=True)
    Desk(ledger, campaign).accept(make_job(7, campaign="spring"))
    policy = type(console.site.services.settings.approval_policy)(units=0)
    submit_campaign(ledger, "spring", ADMIN, policy)
    page = console.browser("viewer").get("/campaigns/spring").text
    assert "Waits for a second person, submitted by root" in page
    assert re.search(r'<code class="digest">[0-9a-f]{64}</code>', page)


def test_a_pause_is_a_mark_that_the_text_explains(console):
    pause_campaign(console.site.ledger, "diwali", ADMIN)
    page = _page(console)
    assert 'class="span"' in page
    assert re.search(r'<ol class="marks">\s*<li>.*root paused diwali', page)
    assert "root paused diwali" in _page(console, "/calls")


def test_calls_are_shown_as_a_table_too(console):
    held, job = console.desk.take_one()
    with console.site.ledger.read() as connection:
        now = connection.exec_driver_sql("SELECT max(created_at) FROM campaigns").scalar()
    attempt = judge(job, issue(job))
    console.desk.record(held, type(attempt)(**_fields(attempt) | {"started_at_ms": now}))
    rows = table(_page(console, "/calls"), "Calls by time")
    calls, per_minute, *took = rows[1][1:]
    assert (calls, took) == ("1", ["40", "40", "40"])
    # A span is longer than a second when the campaign is some minutes old.
    assert 60 % int(per_minute) == 0


def _fields(attempt):
    return {name: getattr(attempt, name) for name in type(attempt).__slots__}


def test_a_note_of_an_act_is_recorded(console):
    client = console.browser("operator")
    client.post("/campaigns/diwali/pause", data={"note": "ticket 42"})
    assert "ticket 42" in client.get("/campaigns/diwali").text


def test_the_weight_is_set(console):
    client = console.browser("operator")
    assert client.post("/campaigns/diwali/weight", data={"weight": "7"}).status_code == 303
    assert find_campaign(console.site.ledger, "diwali").weight == 7
    for wrong in ("0", "101", "x", ""):
        assert client.post("/campaigns/diwali/weight", data={"weight": wrong}).status_code == 409


def test_settings_are_changed_and_taken_away(console):
    client = console.browser("issuer")
    page = client.get("/campaigns/diwali").text
    form = dict(re.findall(r'id="set-[a-z-]+" name="([a-z-]+)" value="([^"]*)"', page))
    assert client.post("/campaigns/diwali/set", data=form).status_code == 409  # nothing changed
    given = form | {"rate": "60", "budget-units": "100", "note": "ticket 42"}
    assert client.post("/campaigns/diwali/set", data=given).status_code == 303
    page = client.get("/campaigns/diwali").text
    assert "<dt>rate</dt><dd>60/min</dd>" in page
    assert "<dt>budget-units</dt><dd>100</dd>" in page
    taken = {"rate": "", "budget-units": "100"}
    assert client.post("/campaigns/diwali/set", data=taken).status_code == 303
    assert "<dt>rate</dt>" not in client.get("/campaigns/diwali").text


def test_a_cancellation_shows_what_it_would_do(console):
    page = console.browser("operator").post("/campaigns/diwali/cancel", data={"note": "t 42"}).text
    assert "<dt>not settled yet</dt><dd>1</dd>" in page
    assert 'value="t 42"' in page


@pytest.fixture
def many(console):
    """More failed lines than a page has."""
    console.desk.accept(*make_jobs(60, first=100))
    held = console.desk.take()
    refused = [judge(job, refuse()) for job in held.jobs]
    console.desk.record(held, *refused)
    return console


@pytest.mark.parametrize("kind", ["outcomes", "letters"])
def test_a_list_has_pages_and_says_how_many_there_are(many, kind):
    client, path, seen = many.browser("viewer"), f"/campaigns/diwali/{kind}", []
    total = balance(many.site.ledger, "diwali").counts[State.FAILED]
    for shown in (50, total - 50):
        page = client.get(path).text
        assert f"{shown} of {total}" in page
        seen += re.findall(r'<a href="(/rewards/[^"]+|/dead-letters/\d+)"', page)
        following = re.search(r'<a href="([^"]+)">Next page', page)
        path = html.unescape(following[1]) if following else None
    assert path is None
    assert len(set(seen)) == total


def test_lines_are_listed_by_outcome_and_masked(console):
    page = _page(console, "/outcomes?state=issued")
    assert make_job(1).id in page
    assert make_job(1).customer.value not in page
    assert make_job(2).id not in page


@pytest.mark.parametrize("query", ["state=waiting", "state=x", "after=1", "after=1-2-3"])
def test_a_list_that_does_not_exist_is_refused(console, query):
    assert console.browser("viewer").get(f"/campaigns/diwali/outcomes?{query}").status_code == 409


@pytest.mark.parametrize("kind", ["csv", "excel"])
def test_an_export_has_the_lines_of_the_command_masked_and_is_recorded(console, kind):
    client = console.browser("viewer")
    answer = client.post("/campaigns/diwali/outcomes", data={"format": kind})
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''diwali")
    text = answer.content.decode("utf-8-sig" if kind == "excel" else "utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    counts = balance(console.site.ledger, "diwali").counts
    assert len(rows) == sum(counts[state] for state in NOT_ISSUED)
    assert make_job(2).customer.value not in answer.text
    assert "exported diwali" in client.get("/audit").text
