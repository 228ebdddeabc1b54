"""People whom a proxy has logged in: believed from its address only, with the roles of groups."""

import httpx
import pytest

from ledger.audit_log import actions_on
from ledger.people.users import change_user
from tests.integration.web.conftest import ADMIN, opened

PROXY, ELSEWHERE = "127.0.0.2", "127.0.0.1"
_RULES = """
[web_groups]
ops = ["operator"]
desk = ["viewer"]
[web_users]
"asha@x.example" = "issuer"
"""


@pytest.fixture
def place(tmp_path, filled):
    rules = tmp_path / "roles.toml"
    rules.write_text(_RULES)
    rules.chmod(0o600)
    settings = {
        "roles_file": rules,
        "web_proxy_addresses": f"{PROXY}/32",
        "web_proxy_user_header": "X-User",
        "web_proxy_groups_header": "X-Groups",
    }
    with opened(tmp_path, filled, **settings) as console:
        yield console


def _ask(console, headers, *, peer=PROXY, path="/", method="GET"):
    transport = httpx.HTTPTransport(local_address=peer)
    always = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=console.site.url, transport=transport, headers=always) as client:
        return client.request(method, path, headers=headers)


def test_the_proxys_person_has_the_roles_of_the_groups(place):
    answer = _ask(place, {"X-User": "Bo@x.example", "X-Groups": "all, ops"})
    assert answer.status_code == 200
    assert "bo@x.example" in answer.text
    assert "Log out" not in answer.text


def test_an_act_names_the_person(place):
    headers = {"X-User": "bo@x.example", "X-Groups": "ops"}
    answer = _ask(place, headers, path="/campaigns/diwali/pause", method="POST")
    assert answer.status_code == 303
    entry = actions_on(place.site.ledger, "campaign:diwali")[-1]
    assert (entry.subject, entry.way, entry.verb) == ("bo@x.example", "web", "pause")


@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": PROXY}, {"Forwarded": f"for={PROXY}"}])
def test_from_another_address_the_header_is_ignored(place, more):
    headers = {"X-User": "bo@x.example", "X-Groups": "ops"} | more
    answer = _ask(place, headers, peer=ELSEWHERE)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_a_forwarded_address_does_not_take_the_trust_away(place):
    headers = {"X-User": "bo@x.example", "X-Groups": "ops", "X-Forwarded-For": "203.0.113.9"}
    assert _ask(place, headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Groups": "ops"},
        {"X-User": "", "X-Groups": "ops"},
        {"X-User": "b" * 300, "X-Groups": "ops"},
        [("X-User", "bo@x.example"), ("X-User", "root"), ("X-Groups", "ops")],
    ],
)
def test_without_one_clear_name_there_is_no_person(place, headers):
    assert _ask(place, headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        [("X-User", "bo@x.example")],
        [("X-User", "bo@x.example"), ("X-Groups", "other")],
        [("X-User", "bo@x.example"), ("X-Groups", "desk"), ("X-Groups", "ops")],
    ],
)
def test_a_person_without_a_mapped_group_sees_why(place, headers):
    answer = _ask(place, headers)
    assert answer.status_code == 403
    assert "bo@x.example may not view" in answer.text
    assert "[web_groups]" in answer.text


def test_a_rule_makes_a_person_the_local_user_and_ends_with_it(place):
    headers = {"X-User": "Asha@x.example", "X-Groups": "ops"}
    answer = _ask(place, headers)
    assert answer.status_code == 200
    assert ">issuer</span>" in answer.text
    change_user(place.site.ledger, "issuer", ADMIN, verb="user disable", disabled=True)
    assert _ask(place, headers).status_code == 403


def test_the_name_of_a_local_user_gives_nothing_without_a_rule(place):
    answer = _ask(place, {"X-User": "Admin", "X-Groups": "ops"})
    assert answer.status_code == 403
    assert "a local user has this name" in answer.text


def test_without_the_setting_no_header_is_believed(console):
    answer = _ask(console, {"X-User": "admin", "X-Groups": "ops"}, peer=ELSEWHERE)
    assert answer.status_code == 303
