"""`issuance user`: the web console's local users."""

import json

import pytest

from ledger.store.database import Ledger
from operations.people.login import log_in_by_link, log_in_by_password

PASSWORD = "correct horse battery"


@pytest.fixture
def command(run, home):
    def call(*words, password=""):
        return run("user", *words, input=f"{password}\n" if password else "")

    call.url = f"sqlite:///{home / 'ledger.db'}"
    return call


def _can_log_in(command, password=PASSWORD):
    with Ledger(command.url) as ledger:
        return log_in_by_password(ledger, "ann", password) is not None


def test_a_user_is_added_listed_disabled_and_enabled(command):
    assert command("list").stdout == "No local users.\n"
    added = command("add", "ann", "--role", "viewer", "--role", "approver", password=PASSWORD)
    assert (added.exit_code, added.stdout) == (0, "")
    assert _can_log_in(command)
    (shown,) = json.loads(command("list", "--json").stdout)
    assert (shown["name"], shown["roles"], shown["locked"]) == (
        "ann",
        ["approver", "viewer"],
        False,
    )
    assert command("disable", "ann").exit_code == 0
    assert not _can_log_in(command)
    assert "disabled" in command("list").stdout
    assert command("enable", "ann").exit_code == 0
    assert _can_log_in(command)


def test_a_password_can_be_replaced(command):
    command("add", "ann", "--role", "viewer", password=PASSWORD)
    assert command("passwd", "ann", password="another long password").exit_code == 0
    assert not _can_log_in(command)
    assert _can_log_in(command, "another long password")


@pytest.mark.parametrize(
    ("words", "password", "says"),
    [
        (("add", "ann", "--role", "boss"), PASSWORD, "boss: no such role"),
        (("add", "Ann Lee", "--role", "viewer"), PASSWORD, "A user's name has"),
        (("add", "ann", "--role", "viewer"), "short", "12 to 1024 characters"),
        (("add", "ann", "--role", "viewer"), "", "Write the password"),
        (("disable", "ann"), "", "There is no user ann"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(command, words, password, says):
    result = command(*words, password=password)
    assert result.exit_code == 2
    assert says in result.stderr.replace("\n", " ")


def test_a_name_is_given_once(command):
    command("add", "ann", "--role", "viewer", password=PASSWORD)
    again = command("add", "ann", "--role", "admin", password=PASSWORD)
    assert again.exit_code == 2
    assert "There is a user ann already" in again.stderr


def test_a_link_is_one_of_the_web_consoles_address(command, monkeypatch):
    monkeypatch.setenv("ISSUANCE_WEB_URL", "https://rewards.example/")
    shown = command("link").stdout.strip()
    base, _, token = shown.rpartition("/")
    assert base == "https://rewards.example/login/link"
    with Ledger(command.url) as ledger:
        assert log_in_by_link(ledger, token) is not None
