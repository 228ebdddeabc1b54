"""Customers and vouchers in the clear: with the right, a reason and an entry, and only once."""

import pytest

from ledger.audit_log import Operator
from ledger.people.users import add_user
from ledger.queries.audit_entries import AuditFilter, read_audit_page
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.customers import show_customer
from operations.dead_letters import show_letter
from operations.stories import show_story
from tests.contract.ledger.build import make_job
from tests.integration.web.conftest import ADMIN

ISSUED, REFUSED = make_job(1), make_job(2)
VOUCHER = "GOLD"
_WAYS = {
    "reward": (f"/rewards/{ISSUED.id}", f"/rewards/{ISSUED.id}/reveal", ISSUED, {}),
    "dead letter": ("/dead-letters/1", "/dead-letters/1/reveal", REFUSED, {}),
    "customer": ("", "/customers/reveal", ISSUED, {"reward": ISSUED.id}),
}
_EVERYTHING = Subject(Operator("ann"), Grant(frozenset(Role), "SOURCE", "REMEDY"))


@pytest.fixture
def revealer(console):
    add_user(console.site.ledger, "asha", "a hash", ["viewer", "revealer"], ADMIN)
    return console.browser("asha")


def _reveals(console):
    page = read_audit_page(console.site.ledger, AuditFilter(verb="reveal"), limit=10)
    return [(each.subject, each.target, each.after, each.reason) for each in page.entries]


@pytest.mark.parametrize("way", _WAYS)
def test_it_shows_the_customer_once_and_records_the_reason(console, revealer, way):
    page, path, job, form = _WAYS[way]
    shown = revealer.get(page) if page else revealer.post("/search", data={"q": job.customer.value})
    assert job.customer.value not in shown.text
    assert f'action="{path}"' in shown.text
    answer = revealer.post(path, data=form | {"note": "OPS-12"})
    assert answer.status_code == 200
    assert job.customer.value in answer.text
    assert answer.headers["cache-control"] == "no-store"
    ((subject, _, after, reason),) = _reveals(console)
    assert (subject, reason) == ("asha", "OPS-12")
    assert after.startswith("in the clear")
    assert revealer.get(path).status_code in (404, 405, 409)  # no address shows it again
    if page:
        assert job.customer.value not in revealer.get(page).text


@pytest.mark.parametrize("way", _WAYS)
def test_the_entry_is_that_of_the_command(console, revealer, way):
    _, path, job, form = _WAYS[way]
    revealer.post(path, data=form | {"note": "OPS-12"})
    ledger = console.site.ledger
    match way:
        case "reward":
            show_story(_EVERYTHING, ledger, job.id, reveal=True, note="OPS-12")
        case "dead letter":
            show_letter(_EVERYTHING, ledger, 1, reveal=True, note="OPS-12")
        case "customer":
            given = {"limit": 100, "page": 1, "reveal": True, "note": "OPS-12"}
            show_customer(_EVERYTHING, ledger, job.customer, **given)
    of_command, of_page = _reveals(console)
    assert of_command[1:] == of_page[1:]


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("note", ["", "  "])
def test_without_a_reason_nothing_is_shown_or_recorded(console, revealer, way, note):
    _, path, job, form = _WAYS[way]
    answer = revealer.post(path, data=form | {"note": note})
    assert answer.status_code == 409
    assert "Say why" in answer.text
    assert job.customer.value not in answer.text
    assert _reveals(console) == []


@pytest.mark.parametrize("way", _WAYS)
def test_the_admin_sees_no_button_and_may_not(console, way):
    page, path, job, form = _WAYS[way]
    admin = console.browser("admin")
    shown = admin.get(page) if page else admin.post("/search", data={"q": job.customer.value})
    assert shown.status_code == 200
    assert path not in shown.text
    answer = admin.post(path, data=form | {"note": "OPS-12"})
    assert answer.status_code == 403
    assert job.customer.value not in answer.text
    assert _reveals(console) == []


def test_a_reason_that_names_the_customer_is_refused(console, revealer):
    form = {"reward": ISSUED.id, "note": f"{ISSUED.customer.value} asked"}
    answer = revealer.post("/customers/reveal", data=form)
    assert answer.status_code == 409
    assert _reveals(console) == []


@pytest.mark.parametrize("path", ["/dead-letters/77", "/dead-letters/x", "/rewards/absent"])
def test_what_is_not_there_is_said(console, path):
    answer = console.browser("viewer").get(path)
    assert answer.status_code in (404, 409)
    assert "no " in answer.text
