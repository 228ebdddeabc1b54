"""What commands show on a terminal of 80 columns: every column is there, and no log entry."""

import re

import pytest
from rich.console import Console

from console.commands import status
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.queries.balance import balances
from ledger.store.database import Ledger
from operations.status import Status
from simulator.serve import Simulator
from tests.contract.ledger.build import Desk, answer, judge, make_job, refuse, say

LONG = "diwali-2026-gold-members-western-region"


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """A campaign with a long name, an issued line with two vouchers, and a dead letter."""
    desk = Desk(ledger, ensure_campaign(ledger, LONG))
    held, job = desk.take_one(make_job(1, campaign=LONG, quantity=2))
    reply = answer(*(say(line, vouchers=["GOLD-11112222", "GOLD-33334444"]) for line in job.lines))
    desk.record(held, judge(job, reply))
    desk.settle(make_job(2, campaign=LONG), refuse(8003, "the reward has no vouchers left at all"))
    return desk


def _fits(shown: str) -> bool:
    return all(len(line) <= 80 for line in shown.splitlines())


def test_a_long_campaign_name_is_shown_whole_with_every_column(on_terminal, desk):
    shown = on_terminal("status")
    assert f"\n{LONG}\n" in shown
    assert "  end\n" in shown
    assert "…" not in shown
    assert _fits(shown)


def test_vouchers_and_messages_go_below_a_row_that_has_no_room_for_them(on_terminal, desk):
    shown = on_terminal("outcomes", LONG, "--reveal")
    assert "requestId\n  vouchers or message\n" in shown
    assert "\n  GOLD-11112222 GOLD-33334444\n" in shown
    assert "\n  the reward has no vouchers left at all\n" in shown
    assert _fits(shown)


def test_a_dead_letter_is_listed_with_its_campaign_and_whole_message(on_terminal, desk):
    shown = on_terminal("dead-letters", "list")
    assert f"\n  {LONG} · the reward has no vouchers left at all\n" in " ".join(
        shown.split("\n    ")
    )
    assert _fits(shown)


def test_a_command_to_type_next_is_on_a_line_of_its_own(on_terminal, desk):
    shown = on_terminal("campaign", "pause", LONG)
    assert f"\n  1 open dead letter:\n    issuance dead-letters list --campaign {LONG}\n" in shown


def test_the_bar_says_what_its_time_means(on_terminal, desk, write_file):
    pause_campaign(desk.ledger, LONG, Operator("ops"))
    shown = on_terminal("blast", write_file("919800000009,1001"), "--campaign", LONG, "--wait")
    assert re.search(r"2/3 +67% +\d+ s elapsed", shown)
    assert "Not waiting: campaign" in shown


def test_a_new_campaign_has_no_weight_from_before(on_terminal, write_file):
    shown = on_terminal(
        "blast", write_file("919800000001,1001"), "--campaign", "new", "--weight", 3
    )
    assert "new's weight is 3 from now on.\n" in shown


def test_no_log_entry_mixes_into_the_output(on_terminal, desk, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_TILL", "demo.till")
    monkeypatch.setenv("ISSUANCE_API_PASSWORD", "demo")
    with Simulator(revoke_enable=True) as simulator:
        monkeypatch.setenv("ISSUANCE_API_URL", simulator.url)
        held, job = desk.take_one(make_job(3, campaign=LONG))
        reply = answer(*(say(line, vouchers=["GOLD-55556666"]) for line in job.lines))
        desk.record(held, judge(job, reply))
        shown = on_terminal("revoke", job.id, "--note", "wrong blast", "--yes")
    assert shown.splitlines()[-1] != ""
    assert "warning" not in shown
    assert "Not revoked:" in shown


def test_a_watch_that_is_too_long_for_the_terminal_says_so(desk, monkeypatch):
    for number in range(30):
        ensure_campaign(desk.ledger, f"campaign {number}")
    found = Status(balances(desk.ledger), 0.0, None, running=False, where="not running")
    monkeypatch.setattr(status, "out", Console(width=80, height=20))
    lines = status.block(found).plain.splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("campaign")
    assert "… `issuance status` lists the other campaigns" in lines
    assert lines[-2] == "system   not running"
