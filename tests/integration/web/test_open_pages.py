"""What open pages cost: about the same for fifty of them as for one, and no later end."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event

from ledger.people.users import add_user, change_user
from operations.access.roles import Role
from tests.integration.web.conftest import ADMIN, Console

_MANY = 50
_TICKS = 3


@dataclass
class Page:
    """An open page, which reads its live part at each tick."""

    console: Console
    person: str
    first: threading.Barrier
    """Passed after the first tick, which looks up the session."""
    texts: list[str] = field(default_factory=list)

    def stay_open(self):
        client = self.console.browser(self.person)
        with client.stream("GET", "/live") as stream:
            for line in stream.iter_lines():
                if line != "event: tick":
                    continue
                self.texts.append(client.get("/?part=live").raise_for_status().text)
                if len(self.texts) == 1:
                    self.first.wait(60)
                if len(self.texts) > _TICKS:
                    return


@contextmanager
def _statements(ledger):
    found = []

    def note(_connection, _cursor, statement, *_):
        if statement != "BEGIN":
            found.append(statement)

    event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(ledger.engine, "before_cursor_execute", note)


def _cost(console, people):
    """Count the statements of some ticks after the first one."""
    first = threading.Barrier(len(people) + 1)
    pages = [Page(console, person, first) for person in people]
    threads = [threading.Thread(target=page.stay_open) for page in pages]
    for thread in threads:
        thread.start()
    first.wait(60)
    with _statements(console.site.ledger) as found:
        for thread in threads:
            thread.join(60)
    assert all("Campaigns under way" in page.texts[-1] for page in pages)
    return len(found)


def test_fifty_open_pages_cost_about_as_many_statements_as_one(console):
    people = [f"person-{number}" for number in range(_MANY)]
    for person in people:
        add_user(console.site.ledger, person, "no password", [Role.VIEWER.value], ADMIN)
    assert _cost(console, people) <= 4 * _cost(console, people[:1])


@pytest.mark.parametrize("change", [{"roles": []}, {"disabled": True}])
def test_an_open_page_ends_when_its_person_loses_access(console, change):
    client = console.browser("viewer")
    with client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: tick"
        change_user(console.site.ledger, "viewer", ADMIN, verb="change user", **change)
        assert "event: ended" in list(lines)
