"""The events of live pages end with the session, and with a change of roles."""

from contextlib import contextmanager

import pytest

from ledger.people.sessions import Person, begin_session
from ledger.people.users import change_user
from tests.integration.web.conftest import ADMIN, opened
from web.viewer import SESSION_COOKIE


@contextmanager
def _events(client):
    with client.stream("GET", "/live") as answer:
        yield (line for line in answer.iter_lines() if line.startswith("event:"))


def _ends_with_the_next(events):
    """Whether at most one tick, on its way already, comes before the end: one comes each second."""
    return list(events) in (["event: ended"], ["event: tick", "event: ended"])


@pytest.mark.parametrize("change", [{"roles": ["revealer"]}, {"disabled": True}])
def test_a_change_of_the_user_ends_the_live_page_within_a_second(console, change):
    with _events(console.browser("viewer")) as events:
        assert next(events) == "event: tick"
        change_user(console.site.ledger, "viewer", ADMIN, verb="user change", **change)
        assert _ends_with_the_next(events)


def test_a_role_that_the_file_takes_away_ends_it_too(tmp_path, filled):
    rules = tmp_path / "roles.toml"
    rules.write_text("[users]\nann = ['viewer']\n")
    rules.chmod(0o600)
    with opened(tmp_path, filled, roles_file=rules) as console:
        token = begin_session(console.site.ledger, Person("ann", "system", 1004))
        client = console.browser()
        client.cookies.set(SESSION_COOKIE, token, domain="127.0.0.1")
        with _events(client) as events:
            assert next(events) == "event: tick"
            rules.write_text("[users]\n")
            assert _ends_with_the_next(events)
        part = client.get("/?part=live")
        assert (part.status_code, part.headers["hx-refresh"]) == (403, "true")
        assert "ann may not view" in client.get("/").text


def test_without_a_session_a_stream_says_so_and_ends(console):
    # A page that lost its connection asks again after its session has ended.
    with console.browser().stream("GET", "/live") as answer:
        assert "".join(answer.iter_text()) == "event: ended\ndata: the session has ended\n\n"
