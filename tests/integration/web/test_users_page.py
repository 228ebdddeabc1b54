"""Users and sessions on the web console: as by the commands, for admins only."""

import re

import pytest

from ledger.audit_log import actions_on
from ledger.people.sessions import Person, begin_session
from ledger.people.users import find_user
from tests.integration.web.conftest import PASSWORD
from tests.integration.web.test_sessions import _log_in


@pytest.fixture
def admin(console):
    return console.browser("admin")


def test_a_user_who_is_added_with_a_password_logs_in(console, admin):
    form = {"name": "asha", "password": PASSWORD, "role-viewer": "on", "role-issuer": "on"}
    assert admin.post("/users", data=form).status_code == 303
    assert find_user(console.site.ledger, "asha").roles == ("issuer", "viewer")
    assert _log_in(console.browser(), "asha").status_code == 303
    entry = actions_on(console.site.ledger, "user:asha")[0]
    assert (entry.subject, entry.verb, entry.after) == ("admin", "user add", "issuer viewer")


def test_a_user_without_a_password_gets_a_link_that_works_once(console, admin):
    page = admin.post("/users", data={"name": "asha", "password": "", "role-viewer": "on"}).text
    token = re.search(rf"{console.site.url}/login/link/([\w-]+)<", page)[1]
    assert token not in admin.get("/users").text
    client = console.browser()
    assert client.post("/login", data={"token": token}).status_code == 303
    assert ">asha</span>" in client.get("/").text
    assert console.browser().post("/login", data={"token": token}).status_code == 403


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ({"name": "Asha", "role-viewer": "on"}, "a-z, 0-9"),
        ({"name": "asha", "password": "short", "role-viewer": "on"}, "12 to"),
        ({"name": "asha"}, "No role is given"),
        ({"name": "viewer", "role-viewer": "on"}, "There is a user viewer already"),
    ],
)
def test_what_the_command_refuses_is_refused(console, admin, form, shown):
    answer = admin.post("/users", data={"password": PASSWORD} | form)
    assert answer.status_code == 409
    assert shown in answer.text
    assert find_user(console.site.ledger, "asha") is None


def test_roles_and_disabling_end_the_sessions(console, admin):
    viewer = console.browser("viewer")
    form = {"name": "viewer", "role-operator": "on"}
    assert admin.post("/users/roles", data=form).status_code == 303
    assert viewer.get("/").status_code == 303
    again = console.browser("viewer")
    assert 'title="operator"' in again.get("/").text
    admin.post("/users/disable", data={"name": "viewer"})
    assert again.get("/").status_code == 303
    assert "issuance user enable viewer" in admin.get("/users").text
    admin.post("/users/enable", data={"name": "viewer"})
    assert _log_in(console.browser()).status_code == 303


def test_sessions_of_a_providers_people_are_listed_and_ended(console, admin):
    token = begin_session(console.site.ledger, Person("bo@x.example", "oidc", groups=("ops",)))
    page = admin.get("/users").text
    assert "bo@x.example" in page
    assert "the provider" in page
    assert "2 of 2" in page
    admin.post("/users/log-out", data={"name": "bo@x.example"})
    assert "bo@x.example" not in admin.get("/users").text
    assert token not in page


def test_only_an_admin_sees_the_way_there(console, admin):
    assert 'href="/users"' in admin.get("/").text
    assert 'href="/users"' not in console.browser("operator").get("/").text
