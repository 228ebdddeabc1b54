"""Approvals, and dead letters by groups: filtered, page by page, with their trend."""

import re

import pytest

from issuance.approval_policy import ApprovalPolicy
from issuance.states import DeadLetterState
from ledger.audit_log import Operator
from ledger.campaign_changes import submit_campaign
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.browse import DeadLetterFilter, count_dead_letters
from ledger.queries.balance import balance
from tests.contract.ledger.build import TIMEOUT, Desk, issue, judge, make_job, refuse

_ASKS = ApprovalPolicy(units=0)


@pytest.fixture
def submitted(console):
    """A draft of one reward that asha submitted."""
    ledger = console.site.ledger
    campaign = ensure_campaign(ledger, "spring", is_draft=True)
    Desk(ledger, campaign).accept(make_job(7, campaign="spring"))
    submit_campaign(ledger, "spring", Operator("asha", "ticket 42"), _ASKS)
    return console


def _issue_waiting(console):
    """Issue the job that waits, so that the next one is alone."""
    held, job = console.desk.take_one()
    console.desk.record(held, judge(job, issue(job)))


def _section(page, name):
    return re.search(rf'<section aria-labelledby="h-{name}">.*?</section>', page, re.DOTALL)[0]


def test_an_approver_finds_what_waits_and_the_way_to_its_plan(submitted):
    page = submitted.browser("approver").get("/approvals").text
    waiting = _section(page, "waiting")
    assert "1 of 1" in waiting
    assert "ticket 42" in waiting
    assert '<a href="/campaigns/spring/plan">Read the plan, then decide</a>' in waiting
    assert "issuance campaign approvals waiting" in waiting
    assert "You have submitted nothing" in _section(page, "mine")


def test_a_decision_moves_it_to_the_decided_ones(submitted):
    approver = submitted.browser("approver")
    approver.post("/campaigns/spring/plan/reject", data={"note": "reward 1001 ended"})
    page = approver.get("/approvals").text
    assert "Nothing waits for a decision" in _section(page, "waiting")
    decided = _section(page, "decided")
    assert "rejected" in decided
    assert "reward 1001 ended" in decided
    assert "by approver" in decided


def test_a_person_without_the_right_gets_no_link_to_decide(submitted):
    page = submitted.browser("viewer").get("/approvals").text
    assert "an approver decides" in page
    assert "then decide" not in page


def test_the_overview_leads_to_what_waits_and_to_new_groups(submitted):
    page = submitted.browser("viewer").get("/").text
    assert '<a href="/campaigns/spring/plan">spring waits for approval</a>' in page
    assert "new in the last hour: 1 dead letter, failed 1014: no such customer" in page


def test_rewards_in_doubt_need_a_person(console):
    _issue_waiting(console)
    desk = Desk(console.site.ledger, ensure_campaign(console.site.ledger, "onam"))
    desk.settle(make_job(8, campaign="onam"), TIMEOUT)
    page = console.browser("viewer").get("/").text
    assert '<a href="/dead-letters?reason=in_doubt">1 reward in doubt</a>' in page


@pytest.fixture
def groups(console):
    """Twenty-three groups of onam, one of them of holi too, and the one of diwali."""
    _issue_waiting(console)
    desk = Desk(console.site.ledger, ensure_campaign(console.site.ledger, "onam"))
    for number in range(23):
        desk.settle(
            make_job(100 + number, campaign="onam"), refuse(2_000 + number, f"cause {number}")
        )
    other = Desk(console.site.ledger, ensure_campaign(console.site.ledger, "holi"))
    other.settle(make_job(1, campaign="holi"), refuse(2_000, "cause 0"))
    return console


def _codes(page):
    return [int(code) for code in re.findall(r"<h3>1 . (?:failed|unknown code) (\d+)</h3>", page)]


def test_groups_come_page_by_page_and_none_is_left_out(groups):
    client = groups.browser("viewer")
    first = client.get("/dead-letters").text
    assert "20 of 24, with 25 open letters" in first
    assert re.search(r"<h3>2 . unknown code 2000</h3>", first)
    following = re.search(r'href="(/dead-letters\?[^"]*after=[^"]+)"', first)[1]
    second = client.get(following.replace("&amp;", "&")).text
    assert len(_codes(first)) + len(_codes(second)) == 23
    assert not set(_codes(first)) & set(_codes(second))
    assert "Smaller groups" not in second


def test_groups_are_filtered_by_campaign_reason_and_code(groups):
    client = groups.browser("viewer")
    assert "1 of 1, with 1 open letter" in client.get("/dead-letters?campaign=holi").text
    assert _codes(client.get("/dead-letters?code=2007").text) == [2007]
    assert "No open dead letter fits" in client.get("/dead-letters?reason=partial").text
    assert client.get("/dead-letters?reason=bored").status_code == 409
    assert client.get("/dead-letters?campaign=none").status_code == 404


def test_a_plan_of_a_filtered_group_takes_that_campaign_s_letters_only(groups):
    operator = groups.browser("operator")
    page = operator.get("/dead-letters?campaign=holi").text
    group = re.search(r'name="group" value="(\d+)"', page)[1]
    assert f"issuance dead-letters plan --group {group} --campaign holi" in page
    form = {"group": group, "verb": "discard", "campaign": "holi"}
    path = operator.post("/dead-letters/plan", data=form).headers["location"]
    assert operator.post(f"{path}/begin", data={"note": "not wanted"}).status_code == 303
    assert balance(groups.site.ledger, "holi").open_dead_letters == 0
    assert balance(groups.site.ledger, "onam").open_dead_letters == 23


def test_a_group_shows_when_its_letters_were_opened(console):
    page = console.browser("viewer").get("/dead-letters").text
    assert "Opened: 1 in the last 24 hours, 1 in this hour" in page
    assert 'class="columns"' in page


@pytest.mark.parametrize("query", ["code=x", "after=x", "after=1", "redrives=-1"])
def test_what_is_no_number_in_an_address_is_refused(console, query):
    answer = console.browser("viewer").get(f"/dead-letters?{query}")
    assert (answer.status_code, "is no number" in answer.text) == (409, True)


def test_a_redrive_has_the_pace_of_the_form(console):
    operator = console.browser("operator")
    group = re.search(r'name="group" value="(\d+)"', operator.get("/dead-letters").text)[1]
    path = operator.post("/dead-letters/plan", data={"group": group, "verb": "reissue"}).headers[
        "location"
    ]
    wrong = operator.post(f"{path}/begin", data={"note": "mended", "per_second": "fast"})
    assert "is no number" in wrong.text
    form = {"note": "mended", "per_second": "0.5"}
    assert operator.post(f"{path}/begin", data=form).status_code == 303
    assert "0.5/s" in operator.get(path).text
    assert operator.post(f"{path}/rate", data={"per_second": "2"}).status_code == 303
    assert "pace 2/s" in operator.get(path).text
    assert "Undo" in operator.get(path).text
    chosen = DeadLetterFilter(state=DeadLetterState.OPEN)
    assert count_dead_letters(console.site.ledger, chosen) == 0
