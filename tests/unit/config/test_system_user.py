"""An operator is a user of the system; the environment can only claim another name."""

import os
import pwd
import socket

import pytest

from config.endpoints import Servers
from config.settings import Settings
from config.system_user import SystemUser, system_user
from ledger.audit_log import Operator
from operations.access.people import person_on_console
from operations.services import Services


@pytest.fixture(autouse=True)
def _found_again():
    system_user.cache_clear()
    yield
    system_user.cache_clear()


def _services(**settings: str) -> Services:
    made = Settings(**settings)
    return Services(made, Servers(made.ledger_url, "", "", "", 0))


def test_the_environment_names_no_user(monkeypatch):
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "another")
    assert system_user() == SystemUser(
        pwd.getpwuid(os.getuid()).pw_name, os.getuid(), socket.gethostname()
    )


def test_a_user_without_a_name_is_known_by_its_number(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert system_user().name == "uid 4000000000"


def test_a_claimed_name_is_kept_next_to_the_users_own(monkeypatch):
    monkeypatch.setenv("LOGNAME", "another")
    user = system_user()
    subject = person_on_console(_services(operator="asha", ledger_url="postgresql://db/ledger"))
    assert subject.acting("ticket 42") == Operator(
        user.name, "ticket 42", uid=user.uid, host=user.host, way="console", claimed="asha"
    )
