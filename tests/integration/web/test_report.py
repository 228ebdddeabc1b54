"""The report of a closed campaign on the console: a file, as the command writes it."""

import pytest

from ledger.audit_log import actions_on, campaign_target
from ledger.closing.closing import close_campaign
from ledger.closing.verification import Mode, begin_comparison
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.report.report import Form, make_report, verify_report
from tests.contract.ledger.build import issue, judge, make_job
from tests.integration.web.conftest import ADMIN

READER = Subject(ADMIN, Grant(frozenset({Role.VIEWER}), "SOURCE", "REMEDY"))
_NAME = 'ad "b"; é'


@pytest.fixture
def closed(console):
    """A closed campaign whose name is hard to write in a header."""
    ledger = console.site.ledger
    desk = console.desk.another(_NAME)
    desk.accept(make_job(9, campaign=_NAME))
    for held in map(desk.claim, desk.release()):
        desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    close_campaign(ledger, begin_comparison(ledger, _NAME, Mode.NONE, ADMIN), ADMIN)
    return ledger


def test_the_file_is_the_commands_and_is_saved_not_shown(console, closed):
    answer = console.browser("viewer").post("/campaigns/ad%20%22b%22%3B%20%C3%A9/report")
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="ad--b-----report.html"; ')
    assert disposition.endswith("filename*=UTF-8''ad%20%22b%22%3B%20%C3%A9-report.html")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == make_report(READER, closed, _NAME)[Form.HTML].content


def test_its_digest_is_recorded_with_the_viewer(console, closed):
    page = console.browser("viewer").post("/campaigns/ad%20%22b%22%3B%20%C3%A9/report").content
    entry = actions_on(closed, campaign_target(_NAME))[-1]
    assert (entry.verb, entry.subject, entry.way) == ("report", "viewer", "web")
    found = verify_report(READER, closed, page)
    assert (found.entry, found.is_same) == (entry, True)


def test_a_closed_campaigns_page_has_the_button_and_the_command(console, closed):
    page = console.browser("viewer").get("/campaigns/ad%20%22b%22%3B%20%C3%A9").text
    assert "Download the report" in page
    assert "--out report.html" in page
    open_page = console.browser("viewer").get("/campaigns/diwali").text
    assert "Download the report" not in open_page


def test_a_campaign_that_is_not_closed_is_refused_with_the_remedy(console):
    answer = console.browser("admin").post("/campaigns/diwali/report")
    assert answer.status_code == 409
    assert "issuance campaign close diwali" in answer.text
    assert "content-disposition" not in answer.headers


def test_one_report_at_a_time_is_made(console, closed):
    path = "/campaigns/ad%20%22b%22%3B%20%C3%A9/report"
    browser = console.browser("viewer")
    with console.site.making_report:
        answer = browser.post(path)
    assert (answer.status_code, "try again in a minute" in answer.text) == (409, True)
    assert [
        each for each in actions_on(closed, campaign_target(_NAME)) if each.verb == "report"
    ] == []
    assert browser.post(path).status_code == 200
    assert browser.post("/campaigns/diwali/report").status_code == 409
    assert browser.post(path).status_code == 200
