"""An operator's flows, each over HTTP, in a browser, and in a browser without JavaScript."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ledger.queries.balance import balance
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.people.login import make_login_link
from operations.report.report import verify_report
from tests.browser.drivers import BrowserDriver, Driver, HttpDriver
from tests.browser.world import (
    ADMIN,
    CLERK,
    CLOSED,
    DRAFT,
    MIXED,
    PASSWORD,
    REQUEST_ID,
    STOPPED,
    WAITING,
)
from tests.contract.ledger.build import make_job
from tests.integration.web.conftest import Console

Log = Callable[[str | None], Driver]
_READER = Subject(ADMIN, Grant(frozenset({Role.VIEWER}), "SOURCE", "REMEDY"))


@pytest.fixture(params=["http", "browser", "browser without JavaScript"])
def person(request, house) -> Iterator[Log]:
    """Makes a driver for a person, who is logged in if there is a name."""
    if request.param == "http":
        with closing(Console(house.site, None)) as console:
            yield lambda name=None: HttpDriver(console.browser(name))
        return
    watched = request.getfixturevalue("watched")
    script = request.param == "browser"
    yield lambda name=None: BrowserDriver(watched.page(house, name, java_script_enabled=script))


def test_the_first_login_is_by_a_link(person, house):
    new = person()
    new.open("/audit")
    assert new.path == "/login"
    token = make_login_link(house.site.services, house.site.ledger)
    new.open(f"/login/link/{token}")
    new.press("Continue")
    assert new.path == "/"
    assert "Needs a person" in new.read()
    new.press("Log out")
    new.open("/")
    assert new.path == "/login"


def test_a_password_leads_to_the_page_that_was_wanted(person):
    new = person()
    new.open("/audit")
    new.fill("Name", "viewer")
    new.fill("Password", PASSWORD)
    new.press("Log in")
    assert new.path == "/audit"


def test_a_file_becomes_a_draft_that_a_second_person_approves(person, house, tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text("mobile,rewardId,quantity\n919800000011,1001,1\n919800000012,1002,2\n")
    issuer = person("issuer")
    issuer.open("/uploads")
    issuer.attach("File", path)
    issuer.press("Send the file")
    _await_work(house, issuer)
    issuer.fill("Campaign", "rakhi")
    issuer.press("Check the file")
    _await_work(house, issuer)
    assert "2 rows become a draft of rakhi" in issuer.read()
    issuer.press("Save as draft")
    _await_work(house, issuer)
    issuer.follow("the plan of rakhi")
    issuer.fill("Note", "ticket 42")
    issuer.press("Submit")
    assert house.state("rakhi") == "awaiting_approval"
    approver = person("approver")
    approver.open("/approvals")
    assert "rakhi" in approver.read()
    approver.open("/campaigns/rakhi/plan")
    approver.fill("Note", "as agreed")
    approver.press("Approve this digest")
    assert house.state("rakhi") == "scheduled"


def _await_work(house, driver):
    """Wait until no process works on the upload that the driver shows, and show its page."""
    folder = house.site.services.settings.home / "uploads" / driver.path.rpartition("/")[2]
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    driver.open(driver.path)


def test_a_draft_is_submitted(person, house):
    issuer = person("issuer")
    issuer.open(f"/campaigns/{DRAFT}/plan")
    issuer.fill("Note", "ticket 42")
    issuer.press("Submit")
    assert issuer.path == f"/campaigns/{DRAFT}"
    assert house.state(DRAFT) == "scheduled"


def test_a_second_person_approves(person, house):
    approver = person("approver")
    approver.open("/")
    approver.follow(f"{WAITING} waits for approval")
    approver.fill("Note", "as agreed")
    approver.press("Approve this digest")
    assert house.state(WAITING) == "scheduled"


def test_a_stopped_campaign_is_resumed(person, house):
    operator = person("operator")
    operator.open("/")
    operator.follow(f"{STOPPED} was stopped")
    assert "Reward is not found" in operator.read()
    operator.press("Continue without reward 9999")
    assert house.state(STOPPED) == "running"


def test_a_campaign_is_paused_and_resumed(person, house):
    operator = person("operator")
    operator.open(f"/campaigns/{MIXED}")
    operator.press("Pause")
    assert house.state(MIXED) == "paused"
    operator.press("Resume")
    assert house.state(MIXED) == "running"


def test_a_group_is_planned_begun_and_undone(person, house):
    ledger, operator = house.site.ledger, person("operator")
    operator.open(f"/campaigns/{STOPPED}")
    operator.press("The cause is corrected: continue")
    operator.open("/dead-letters")
    before = balance(ledger, STOPPED).open_dead_letters
    operator.press("Plan: reissue")
    assert f"would be reissued: {before}" in operator.read()
    operator.fill("Why", "the reward exists again")
    operator.fill("Try this many first", "0")
    operator.press("Send them")
    assert balance(ledger, STOPPED).open_dead_letters == 0
    operator.press("Undo what was not sent")
    assert balance(ledger, STOPPED).open_dead_letters == before
    assert "undone" in operator.read()


def test_the_report_of_a_closed_campaign_is_saved_and_verified(person, house):
    viewer = person("viewer")
    viewer.open("/")
    viewer.follow(CLOSED)
    saved = viewer.save("Download the report")
    found = verify_report(_READER, house.site.ledger, saved)
    assert (found.campaign, found.is_same, found.log_problem) == (CLOSED, True, "")
    assert found.entry.subject == "viewer"


@pytest.mark.parametrize("typed", [REQUEST_ID, make_job(1).customer.value])
def test_a_search_leads_to_the_story_of_a_reward(person, typed):
    viewer = person("viewer")
    viewer.open("/")
    viewer.fill("Search", typed)
    viewer.press("Search")
    if viewer.path == "/search":
        viewer.follow(REQUEST_ID)
    assert viewer.path == f"/rewards/{REQUEST_ID}"
    assert "What happened" in viewer.read()
    assert make_job(1).customer.value not in viewer.read()


def test_a_reveal_needs_a_reason_and_is_in_the_audit_log(person):
    clerk = person(CLERK)
    clerk.open(f"/rewards/{REQUEST_ID}")
    assert make_job(1).customer.value not in clerk.read()
    clerk.unfold("Show it in the clear")
    clerk.fill("Why", "the customer called, ticket 77")
    clerk.press("Reveal")
    assert make_job(1).customer.value in clerk.read()
    clerk.open("/audit")
    assert "the customer called, ticket 77" in clerk.read()
