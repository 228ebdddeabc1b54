"""The audit page: filters, cursor, what was searched, and the verification."""

import re
import threading

import pytest

from ledger.audit_log import Operator, letter_target, record_action, record_actions
from ledger.queries.audit_entries import AuditFilter
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.audit import verification_json, verify
from operations.history import read_history
from web.verifying import Verifying

ANN = Operator("ann", way="web")
_LETTERS = range(1_001, 3_101)
_ALL = Subject(ANN, Grant(frozenset(Role), "SOURCE", "REMEDY"))


def _record(console, *verbs, operator=ANN, target="ledger"):
    for verb in verbs:
        with console.site.ledger.write() as connection:
            record_action(connection, operator, verb=verb, target=target)


def _rows(page):
    return len(re.findall(r"<tr><td>", page))


def test_filters_choose_and_the_command_has_them(console):
    _record(console, "pause", "resume", target="campaign:diwali")
    _record(console, "backup")
    _record(console, "pause", target="campaign:diwali", operator=Operator("bo"))
    client = console.browser("viewer")
    page = client.get("/audit?by=ann&campaign=diwali&verb=pause&since=2h").text
    assert _rows(page) == 1
    assert "paused diwali" in page
    assert "issuance history --since 2h --by ann --campaign diwali" in page
    assert _rows(client.get("/audit?by=bo").text) == 1
    by_verb = client.get("/audit?verb=backup").text
    assert _rows(by_verb) == 1
    assert "issuance audit list --verb backup" in by_verb
    assert "Nothing is recorded" in client.get("/audit?since=2999-01-01").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("since=yesterday", 409), ("before=x", 409), ("campaign=absent", 404), ("by=%3Cb%3E", 200)],
)
def test_a_filter_that_cannot_be_read_is_refused(console, query, status):
    answer = console.browser("viewer").get(f"/audit?{query}")
    assert answer.status_code == status
    assert "<b>" not in answer.text


def test_pages_follow_each_other_by_a_cursor_and_say_how_much_there_is(console):
    for number in range(60):
        _record(console, "backup", operator=Operator(f"ann{number}"))
    client = console.browser("viewer")
    shown, path, seen = [], "/audit?verb=backup", 0
    while path:
        page = client.get(path).text
        shown += re.findall(r">(ann\d+)<", page) or re.findall(r"(ann\d+)", page)
        acts, first, last, total = re.search(
            r"(\d+) acts in entries (\d+) to (\d+) of (\d+)", page
        ).groups()
        assert int(first) <= int(last) <= int(total)
        seen += int(acts)
        older = re.search(r'href="(/audit\?before=[^"]+)">Older', page)
        path = older and older[1].replace("&amp;", "&")
        assert path is None or "verb=backup" in path
    assert seen == 60
    assert len(set(shown)) == 60


def test_a_filter_that_rarely_fits_searches_a_bounded_part_and_continues(console):
    _record(console, "backup", *["prune"] * 10)
    chosen, found, before = AuditFilter(verb="backup"), [], None
    for _ in range(20):
        page = read_history(
            _ALL, console.site.ledger, chosen, limit=5, before=before, most_searched=3
        )
        assert page.last - page.first < 3
        found += page.acts
        before = page.before
        if before is None:
            break
    assert [act.newest.verb for act in found] == ["backup"]
    assert page.first == 1


def test_the_verification_is_that_of_the_command(console):
    client = console.browser("viewer")
    assert "has not verified it" in client.get("/audit").text
    answer = client.post("/audit/verify")
    assert answer.headers["location"] == "/audit/verification"
    page = client.get("/audit/verification").text
    found = verification_json(verify(_ALL, console.site.ledger, None))
    assert f"{found['entries']} entries, unbroken" in page
    assert found["head"] in page
    assert "entries, unbroken" in client.get("/audit").text


def test_the_first_break_is_shown(console):
    _record(console, "backup", "prune", "backup")
    with console.site.ledger.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.exec_driver_sql("UPDATE audit_log SET subject = 'eve' WHERE verb = 'prune'")
    client = console.browser("viewer")
    client.post("/audit/verify")
    page = client.get("/audit/verification").text
    found = verify(_ALL, console.site.ledger, None)
    assert f"Broken at entry {found.broken_id}:" in page
    assert "entries before it are unbroken" in page


def test_a_long_verification_continues_while_pages_wait_no_longer():
    verifying, may_end, begun = Verifying(), threading.Event(), []

    def verify_slowly():
        begun.append(1)
        may_end.wait()
        raise OSError("the ledger went away")

    verifying.begin(verify_slowly, 0.01)
    verifying.begin(verify_slowly, 0.01)  # one runs already
    assert verifying.newest.ended_at is None
    may_end.set()
    verifying.begin(verify_slowly, 10)
    assert verifying.newest.error == "the ledger went away"
    assert len(begun) <= 2


def test_an_act_on_very_many_letters_continues_on_the_next_page(console):
    letters = list(map(letter_target, _LETTERS))
    with console.site.ledger.write() as connection:
        record_actions(connection, Operator("zoe"), verb="discard", targets=letters)
    client = console.browser("viewer")
    first = client.get("/audit").text
    assert "discarded 2,000 or more dead letters (1101 to 3100)" in first
    older = re.search(r'href="(/audit\?before=[^"]+)"', first)[1].replace("&amp;", "&")
    assert "discarded 100 dead letters (1001 to 1100)" in client.get(older).text
