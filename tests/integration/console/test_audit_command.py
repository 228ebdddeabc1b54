"""`issuance audit`: lists acts page by page, and verifies the log with an exit status."""

import json

import pytest
from sqlalchemy import text

from ledger.audit_log import Operator, record_action
from ledger.campaigns import pause_campaign, resume_campaign, weigh_campaign
from tests.contract.ledger.build import OPERATOR


@pytest.fixture
def acts(desk):
    """A log with three acts."""
    pause_campaign(desk.ledger, "spring", OPERATOR)
    resume_campaign(desk.ledger, "spring", OPERATOR)
    weigh_campaign(desk.ledger, "spring", 7, OPERATOR)
    return desk


def test_acts_are_listed_from_the_newest_with_name_change_and_reason(run, acts):
    result = run("audit", "list", "--limit", 2)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("3  ")
    assert lines[0].endswith("Z  weight campaign:spring")
    assert lines[1:4] == ["  by asha, console", "  1 → 7", "  reason: ticket 42"]
    assert "2 of 3 entries; older ones: --before 2" in result.stderr
    assert run("audit", "list", "--before", 2).stderr.strip() == "1 of 3 entries"


def test_a_list_for_programs_has_every_field_and_the_next_page(run, acts):
    page = json.loads(run("audit", "list", "--verb", "pause", "--json").stdout)
    assert (page["total"], page["before"]) == (1, None)
    (entry,) = page["entries"]
    assert entry.pop("at").endswith("Z")
    assert entry == {
        "id": 1, "subject": "asha", "uid": None, "host": "", "way": "console", "claimed": "",
        "verb": "pause", "target": "campaign:spring", "before": "running", "after": "paused",
        "reason": "ticket 42",
    }  # fmt: skip
    assert json.loads(run("audit", "list", "--limit", 1, "--json").stdout)["before"] == 3


@pytest.mark.parametrize(
    ("option", "count"),
    [
        (("--since", "2100-01-01"), 0),
        (("--until", "2100-01-01T00:00+05:30"), 3),
        (("--subject", "asha"), 3),
        (("--subject", "ravi"), 0),
        (("--target", "campaign:spring"), 3),
    ],
)
def test_options_choose_acts(run, acts, option, count):
    assert json.loads(run("audit", "list", *option, "--json").stdout)["total"] == count


@pytest.mark.parametrize(
    "words", [("list", "--since", "yesterday"), ("verify", "--head", "3"), ("list", "--limit", "0")]
)
def test_what_cannot_be_read_is_refused(run, acts, words):
    result = run("audit", *words)
    assert (result.exit_code, result.stdout) == (2, "")


def test_an_unbroken_log_prints_its_head_which_a_later_run_finds_again(run, acts):
    result = run("audit", "verify")
    assert result.exit_code == 0
    said, head = result.stdout.splitlines()
    assert said == "3 entries, unbroken"
    pause_campaign(acts.ledger, "spring", OPERATOR)
    again = run("audit", "verify", "--head", head.removeprefix("head "), "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["valid"]


def test_a_broken_log_ends_with_the_first_broken_entry_and_status_1(run, acts):
    with acts.ledger.write() as connection:
        connection.execute(text("DROP TRIGGER audit_log_no_update"))
        connection.execute(text("UPDATE audit_log SET subject = 'ravi' WHERE id = 2"))
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "Broken at entry 2: its content was changed" in " ".join(result.stderr.split())
    assert result.stdout.startswith("1 entry before it, unbroken\nhead 1:")
    found = json.loads(run("audit", "verify", "--json").stdout)
    assert (found["valid"], found["brokenId"], found["flaw"]) == (False, 2, "changed")


def test_text_from_an_operator_moves_no_cursor(run, desk):
    with desk.ledger.write() as connection:
        operator = Operator("asha", "a\x1b[2Jb", claimed="c\x1b[2Jd")
        record_action(connection, operator, verb="pause", target="campaign:spring")
    shown = run("audit", "list").stdout
    assert "\x1b" not in shown
    assert "reason: a" in shown
