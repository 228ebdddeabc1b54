"""Values that open pages share: only with people who may see them, and never after a change."""

import threading

import pytest

from ledger.people.users import add_user
from tests.integration.web.conftest import ADMIN
from tests.integration.web.test_routes_and_roles import RIGHTS
from web.newest import Newest

_VIEWED = sorted(path for method, path in RIGHTS if method == "GET" and "{id}" not in path)


def test_a_person_without_a_role_does_not_get_what_another_page_has_read(console):
    add_user(console.site.ledger, "guest", "no password", [], ADMIN)
    guest, admin = console.browser("guest"), console.browser("admin")
    for path in _VIEWED:
        filled = path.replace("{name}", "diwali")
        admin.get(filled)
        assert guest.get(filled).status_code == 403, path


def test_a_page_shows_a_change_that_was_just_made_on_it(console):
    client = console.browser("operator")
    assert "issuance campaign pause diwali" in client.get("/campaigns/diwali").text
    answer = client.post("/campaigns/diwali/pause", data={"note": "ticket 42"})
    assert "issuance campaign resume diwali" in client.get(answer.headers["location"]).text


def test_a_value_that_takes_long_is_read_in_the_background():
    newest, may_end = Newest(every_seconds=60), threading.Event()

    def read():
        assert may_end.wait(20)
        return 7

    assert newest.read(read) is None
    may_end.set()
    assert newest.read(read, wait_seconds=20).value == 7
    assert newest.read(lambda: 8, wait_seconds=20).value == 7


def test_a_value_that_is_too_old_is_not_shown():
    newest = Newest(every_seconds=0)
    assert newest.read(lambda: 7, wait_seconds=20).value == 7
    assert newest.read(lambda: 8, wait_seconds=20, oldest_seconds=0).value == 8


def test_the_error_of_a_reading_reaches_the_page_and_the_next_reading_may_work():
    newest = Newest(every_seconds=60)
    with pytest.raises(ZeroDivisionError):
        newest.read(lambda: 1 / 0, wait_seconds=20)
    assert newest.read(lambda: 7, wait_seconds=20).value == 7
