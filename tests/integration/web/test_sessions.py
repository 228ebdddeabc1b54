"""Logging in, and how a session ends."""

import pytest
from sqlalchemy import select, update

from ledger.people.sessions import (
    Person,
    begin_session,
    end_sessions,
    find_session,
    list_sessions,
    make_user_link,
)
from ledger.people.users import FAILURES_MAX, UserError, add_user, change_user
from ledger.store.schema import audit_log, login_links, users, web_sessions
from operations.people.login import make_login_link
from tests.integration.web.conftest import ADMIN, PASSWORD
from web.viewer import SESSION_COOKIE


def _log_in(client, name="viewer", password=PASSWORD, **more):
    return client.post("/login", data={"name": name, "password": password} | more)


def test_a_password_begins_a_session_that_scripts_and_other_sites_cannot_use(console):
    client = console.browser()
    answer = _log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("viewer", "wrong horse battery"), ("unknown", PASSWORD), ("", "")]
)
def test_a_wrong_login_says_nothing_about_its_cause(console, name, password):
    answer = _log_in(console.browser(), name, password)
    assert answer.status_code == 403
    assert "the name or the password is wrong" in answer.text
    assert SESSION_COOKIE not in answer.cookies


def test_wrong_passwords_lock_a_user_even_for_the_right_one(console):
    client = console.browser()
    for _ in range(FAILURES_MAX):
        _log_in(client, password="wrong horse battery")
    assert _log_in(client).status_code == 403
    with console.site.ledger.write() as connection:
        connection.execute(update(users).values(locked_until=1))
    assert _log_in(client).status_code == 303


@pytest.mark.parametrize(
    "wanted", ["//evil.example/", "https://evil.example", "/\\evil.example", ""]
)
def test_a_login_leads_to_no_other_site(console, wanted):
    assert _log_in(console.browser(), next=wanted).headers["location"] == "/"


def test_a_login_leads_to_the_page_that_was_wanted(console):
    asked = console.browser().get("/audit?campaign=diwali")
    assert asked.headers["location"] == "/login?next=/audit%3Fcampaign%3Ddiwali"
    shown = console.browser().get(asked.headers["location"])
    assert 'value="/audit?campaign=diwali"' in shown.text
    assert _log_in(console.browser(), next="/audit").headers["location"] == "/audit"


def test_a_link_logs_in_once(console):
    token = make_login_link(console.site.services, console.site.ledger)
    client = console.browser()
    for _ in range(2):  # programs that preview a link do not use it up
        assert client.get(f"/login/link/{token}").status_code == 200
    assert client.post("/login", data={"token": token}).status_code == 303
    assert client.get("/").status_code == 200
    again = console.browser().post("/login", data={"token": token})
    assert again.status_code == 403
    assert "used up or too old" in again.text


def test_an_old_link_is_refused(console):
    token = make_login_link(console.site.services, console.site.ledger)
    with console.site.ledger.write() as connection:
        connection.execute(update(login_links).values(expires_at=1))
    assert console.browser().post("/login", data={"token": token}).status_code == 403


def test_logging_out_ends_the_session_everywhere(console):
    client = console.browser("viewer")
    token = client.cookies[SESSION_COOKIE]
    assert client.post("/logout").status_code == 303
    assert find_session(console.site.ledger, token) is None


@pytest.mark.parametrize(
    "change",
    [{"verb": "user disable", "disabled": True}, {"verb": "user roles", "roles": ["revealer"]}],
)
def test_a_change_of_the_user_ends_the_session_at_once(console, change):
    client = console.browser("viewer")
    assert client.get("/").status_code == 200
    change_user(console.site.ledger, "viewer", ADMIN, **change)
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_that_is_old_or_idle_has_ended(console, column):
    client = console.browser("viewer")
    with console.site.ledger.write() as connection:
        connection.execute(update(web_sessions).values({column: 1}))
    assert client.get("/").status_code == 303


def test_the_ledger_keeps_no_token_and_no_password(console):
    client = console.browser()
    _log_in(client)
    with console.site.ledger.read() as connection:
        driver = connection.connection.driver_connection
        rows = "\n".join(driver.iterdump())
    assert client.cookies[SESSION_COOKIE] not in rows
    assert PASSWORD not in rows
    assert "$argon2id$" in rows


def test_logins_are_in_the_audit_log(console):
    client = console.browser()
    _log_in(client, password="wrong horse battery")
    _log_in(client)
    client.post("/logout")
    with console.site.ledger.read() as connection:
        query = select(audit_log.c.verb).where(audit_log.c.target == "user:viewer")
        verbs = connection.scalars(query.order_by(audit_log.c.id)).all()
    assert verbs == ["user add", "log in failed", "log in", "log out"]


def test_a_link_of_a_local_user_logs_in_once_and_ends_with_the_user(console):
    ledger = console.site.ledger
    token = make_user_link(ledger, "viewer", ADMIN)
    client = console.browser()
    assert client.post("/login", data={"token": token}).status_code == 303
    assert ">viewer</span>" in client.get("/").text
    assert console.browser().post("/login", data={"token": token}).status_code == 403
    unused = make_user_link(ledger, "viewer", ADMIN)
    change_user(ledger, "viewer", ADMIN, verb="user disable", disabled=True)
    assert console.browser().post("/login", data={"token": unused}).status_code == 403
    with pytest.raises(UserError, match="viewer is disabled"):
        make_user_link(ledger, "viewer", ADMIN)


@pytest.mark.parametrize("password", ["", "no password is this"])
def test_a_user_without_a_password_logs_in_by_no_password(console, password):
    add_user(console.site.ledger, "asha", "", ["viewer"], ADMIN)
    assert _log_in(console.browser(), "asha", password).status_code == 403


def test_all_sessions_of_a_person_end_at_once_and_so_do_links(console):
    ledger = console.site.ledger
    client, other = console.browser("viewer"), console.browser("admin")
    begin_session(ledger, Person("viewer", "oidc", groups=("ops",)))
    unused = make_user_link(ledger, "viewer", ADMIN)
    people, total = list_sessions(ledger, 2)
    assert total == 3
    assert all(each.count == 1 for each in people)
    assert end_sessions(ledger, "viewer", ADMIN) == 2
    assert client.get("/").status_code == 303
    assert other.get("/").status_code == 200
    assert console.browser().post("/login", data={"token": unused}).status_code == 403
