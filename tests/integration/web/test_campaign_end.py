"""Closing and revoking on the console: planned first, confirmed by the name, in the background."""

import re
import threading

import pytest

from issuance.errors import ExplainedError
from issuance.states import CampaignState, DeadLetterState
from ledger.campaigns import find_campaign, finish_campaigns
from ledger.dead_letters.browse import DeadLetterFilter
from operations.errors import UsageError
from tests.contract.ledger.build import issue, judge
from tests.integration.web.conftest import ADMIN
from tests.redriving import discard
from web.tasks import Tasks

_WAIT_SECONDS = 30


@pytest.fixture
def settled(console):
    """Every line is settled, and no dead letter is open."""
    held, job = console.desk.take_one()
    console.desk.record(held, judge(job, issue(job)))
    discard(console.site.ledger, DeadLetterFilter(state=DeadLetterState.OPEN), ADMIN)
    with console.site.ledger.write() as connection:
        finish_campaigns(connection)
    return console


def _ended(console):
    task = console.site.tasks.find("diwali")
    assert task is not None
    assert task.ended.wait(_WAIT_SECONDS)
    return task


def _state(console):
    return find_campaign(console.site.ledger, "diwali").state


def test_what_keeps_a_campaign_from_being_closed_is_said(console):
    page = console.browser("viewer").get("/campaigns/diwali/close").text
    assert "It cannot be closed yet" in page
    assert "Lines that are not settled: 1" in page
    form = {"confirm": "diwali", "mode": "none"}
    answer = console.browser("approver").post("/campaigns/diwali/close", data=form)
    assert answer.status_code == 409
    assert console.site.tasks.find("diwali") is None


def test_a_campaign_is_closed_after_its_name_is_typed(settled):
    client = settled.browser("approver")
    assert "It can be closed" in client.get("/campaigns/diwali/close").text
    wrong = client.post("/campaigns/diwali/close", data={"confirm": "holi", "mode": "none"})
    assert "Nothing was done" in wrong.text
    assert _state(settled) is CampaignState.FINISHED
    form = {"confirm": "diwali", "mode": "none", "note": "ticket 42"}
    assert client.post("/campaigns/diwali/close", data=form).status_code == 303
    task = _ended(settled)
    assert (_state(settled), task.error) == (CampaignState.CLOSED, "")
    page = client.get("/campaigns/diwali").text
    assert "Closing has ended" in page
    assert re.search(r"closed, SHA-256 of its statement [0-9a-f]{64}", page)
    assert "ticket 42" in page


def test_a_comparison_that_cannot_reach_the_api_says_so(settled):
    form = {"confirm": "diwali", "mode": "sample"}
    settled.browser("approver").post("/campaigns/diwali/close", data=form)
    assert "ISSUANCE_API_URL" in _ended(settled).error
    page = settled.browser("viewer").get("/campaigns/diwali").text
    assert "Closing failed" in page
    assert _state(settled) is CampaignState.FINISHED


def test_a_revocation_is_planned_first_and_needs_digest_name_and_reason(console):
    client = console.browser("approver")
    path = "/campaigns/diwali/revoke"
    assert "Show the plan" in client.get(path).text
    plan = client.post(path, data={"reward": ""}).text
    assert "<dt>lines</dt><dd>1</dd>" in plan
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', plan)[1]
    form = {"digest": digest, "confirm": "diwali", "note": "issued by mistake"}
    for change in ({"digest": "0" * 64}, {"confirm": "holi"}, {"note": " "}):
        assert client.post(path, data=form | change).status_code in (200, 409)
        assert console.site.tasks.find("diwali") is None
    assert client.post(path, data=form).status_code == 303
    # The console of this test has no API to call.
    assert "ISSUANCE_API_URL" in _ended(console).error


def test_a_plan_can_be_of_one_reward(console):
    client = console.browser("approver")
    page = client.post("/campaigns/diwali/revoke", data={"reward": "999"}).text
    assert "There is nothing to revoke" in page


def test_one_campaign_has_one_task_at_a_time():
    tasks, go_on = Tasks(), threading.Event()

    def run(say):
        say("half of it")
        assert go_on.wait(_WAIT_SECONDS)
        return "all of it"

    task = tasks.begin("diwali", "Closing", "ann", run)
    with pytest.raises(UsageError, match="Closing is under way"):
        tasks.begin("diwali", "A revocation", "ann", run)
    go_on.set()
    assert task.ended.wait(_WAIT_SECONDS)
    assert (task.result, task.progress, task.error) == ("all of it", "half of it", "")
    again = tasks.begin("diwali", "A revocation", "ann", run)
    assert again.ended.wait(_WAIT_SECONDS)
    assert tasks.find("diwali") is again


@pytest.mark.parametrize(
    ("raised", "said"),
    [(ExplainedError("no API"), "no API"), (RuntimeError("secret"), "the console's log has it")],
)
def test_a_task_that_fails_says_why_and_shows_no_traceback(raised, said):
    def run(_):
        raise raised

    task = Tasks().begin("diwali", "Closing", "ann", run)
    assert task.ended.wait(_WAIT_SECONDS)
    assert said in task.error
    assert "secret" not in task.error
