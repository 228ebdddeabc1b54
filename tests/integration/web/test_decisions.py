"""Decisions on the console: approval by a second person, and redrives that can be undone."""

import re

import pytest

from issuance.approval_policy import ApprovalPolicy
from ledger.campaign_changes import submit_campaign
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.people.users import add_user
from ledger.queries.balance import balance
from tests.contract.ledger.build import Desk, make_job
from tests.integration.web.conftest import ADMIN

_ASKS = ApprovalPolicy(units=0)


@pytest.fixture
def draft(console):
    """A draft of two rewards."""
    ledger = console.site.ledger
    campaign = ensure_campaign(ledger, "spring", is_draft=True)
    Desk(ledger, campaign).accept(make_job(7, campaign="spring"))
    return ledger


def _state(ledger):
    return find_campaign(ledger, "spring").state.value


def _digest(page):
    return re.search(r'<code class="digest">([0-9a-f]{64})</code>', page)[1]


def test_a_draft_is_submitted_on_its_plan(console, draft):
    issuer = console.browser("issuer")
    page = issuer.get("/campaigns/spring/plan").text
    assert _digest(page)
    assert "an issuer submits it" in page
    answer = issuer.post("/campaigns/spring/plan/submit", data={"note": "ticket 42"})
    assert (answer.status_code, _state(draft)) == (303, "scheduled")


def test_a_second_person_approves_exactly_what_was_submitted(console, draft):
    submit_campaign(draft, "spring", ADMIN, _ASKS)
    approver = console.browser("approver")
    page = approver.get("/campaigns/spring/plan").text
    wrong = approver.post("/campaigns/spring/plan/approve", data={"digest": "0" * 64})
    assert (wrong.status_code, _state(draft)) == (409, "awaiting_approval")
    form = {"digest": _digest(page), "note": "as agreed"}
    assert approver.post("/campaigns/spring/plan/approve", data=form).status_code == 303
    assert _state(draft) == "scheduled"


def test_the_submitter_sees_no_button_and_cannot_approve(console, draft):
    add_user(draft, "both", "a hash", ["issuer", "approver"], ADMIN)
    both = console.browser("both")
    submit_campaign(draft, "spring", type(ADMIN)("both", way="web"), _ASKS)
    page = both.get("/campaigns/spring/plan").text
    assert "You submitted it" in page
    assert "/approve" not in page
    answer = both.post("/campaigns/spring/plan/approve", data={"digest": _digest(page)})
    assert (answer.status_code, _state(draft)) == (409, "awaiting_approval")
    assert "another person" in answer.text


def test_a_rejection_needs_a_note(console, draft):
    submit_campaign(draft, "spring", ADMIN, _ASKS)
    approver = console.browser("approver")
    assert approver.post("/campaigns/spring/plan/reject", data={"note": ""}).status_code == 409
    given = {"note": "reward 1001 ended"}
    assert approver.post("/campaigns/spring/plan/reject", data=given).status_code == 303
    assert _state(draft) == "draft"
    assert "reward 1001 ended" in approver.get("/campaigns/spring/plan").text


def test_a_group_is_planned_tried_and_undone(console):
    operator = console.browser("operator")
    page = operator.get("/dead-letters").text
    group = re.search(r'name="group" value="(\d+)"', page)[1]
    made = operator.post("/dead-letters/plan", data={"group": group, "verb": "reissue"})
    path = made.headers["location"]
    assert "would be reissued: 1" in operator.get(path).text
    begun = operator.post(f"{path}/begin", data={"note": "mended", "trial": "0"})
    assert begun.status_code == 303
    assert balance(console.site.ledger, "diwali").open_dead_letters == 0
    assert operator.post(f"{path}/undo").status_code == 303
    assert balance(console.site.ledger, "diwali").open_dead_letters == 1
    assert "undone" in operator.get(path).text


def test_a_discard_can_be_undone(console):
    operator = console.browser("operator")
    group = re.search(r'name="group" value="(\d+)"', operator.get("/dead-letters").text)[1]
    made = operator.post("/dead-letters/plan", data={"group": group, "verb": "discard"})
    path = made.headers["location"]
    assert operator.post(f"{path}/begin", data={"note": "not wanted"}).status_code == 303
    assert balance(console.site.ledger, "diwali").open_dead_letters == 0
    operator.post(f"{path}/undo")
    assert balance(console.site.ledger, "diwali").open_dead_letters == 1


def test_the_operators_note_is_in_the_audit_log(console):
    operator = console.browser("operator")
    operator.post("/campaigns/diwali/pause", data={"note": "wrong reward id"})
    assert "wrong reward id" in operator.get("/audit").text


@pytest.mark.parametrize("text", ["x", "-1", "1" * 40, ""])
def test_what_is_no_number_is_refused(console, text):
    operator = console.browser("operator")
    answer = operator.post("/dead-letters/plan", data={"group": text, "verb": "resend"})
    assert answer.status_code == 409
    assert "is no number" in answer.text
