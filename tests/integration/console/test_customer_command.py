"""`issuance customer`: a customer's lines, and the customer's erasure."""

import json
import re

import pytest
from typer.testing import CliRunner

from console.main import command_line
from ledger.audit_log import actions_on
from ledger.queries.customers import customer_lines
from ledger.store.dialects import sqlite
from tests.contract.ledger.build import TIMEOUT, answer, issue, judge, make_job, refuse, say

_MOBILE = "919800000001"
_VOUCHER = "WINTER-77-GIFT"


@pytest.fixture
def known(desk):
    """Three lines of one customer in two campaigns, and one of another; all settled."""
    held, job = desk.take_one(make_job(1, campaign="spring"))
    reply = answer(*(say(line, vouchers=[_VOUCHER]) for line in job.lines))
    desk.record(held, judge(job, reply))
    desk.settle(make_job(1, campaign="spring", occurrence=2), refuse(message=f"no {_MOBILE}"))
    desk.settle(make_job(2, campaign="spring"), TIMEOUT)
    autumn = desk.another("autumn")
    held, job = autumn.take_one(make_job(1, campaign="autumn", quantity=2))
    desk.record(held, judge(job, issue(job)))
    return desk


def _run_with(text, *words):
    return CliRunner().invoke(command_line(), words, input=text, catch_exceptions=False)


def test_every_line_is_listed_over_all_campaigns_with_masked_vouchers(run, known):
    result = run("customer", "show", "--mobile", _MOBILE)
    rows = [re.split(r"  +", line.strip()) for line in result.stdout.splitlines()]
    assert rows[0][-1] == "campaign · vouchers or message"
    assert [(row[0], row[-1].split(" · ")[0]) for row in rows[1:]] == [
        ("issued", "autumn"),
        ("failed", "spring"),
        ("issued", "spring"),
    ]
    assert "********IFT" in result.stdout
    assert _VOUCHER not in result.stdout
    assert _MOBILE not in result.stdout + result.stderr
    assert result.stderr == "mobile:********001: 1 to 3 of 3 lines.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--mobile", "+91 98000-00001"),
        ("--mobile", "9800000001", "--country", "IN"),
        ("--mobile", "098000 00001", "--country", "IN"),
    ],
)
def test_a_mobile_is_read_as_the_ways_in_read_it(run, known, words):
    assert json.loads(run("customer", "show", *words, "--json").stdout)["total"] == 3


def test_the_country_of_the_settings_completes_a_mobile(run, known, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_COUNTRY", "IN")
    assert json.loads(run("customer", "show", "--mobile", "9800000001", "--json").stdout)["total"]


def test_pages_say_where_they_are_and_the_last_one_ends_the_list(run, known):
    first = run("customer", "show", "--mobile", _MOBILE, "--limit", 2)
    assert first.stderr == "mobile:********001: 1 to 2 of 3 lines.\n--page 2 lists more.\n"
    second = run("customer", "show", "--mobile", _MOBILE, "--limit", 2, "--page", 2, "--json")
    found = json.loads(second.stdout)
    assert (found["total"], found["first"], len(found["lines"])) == (3, 3, 1)
    assert found["lines"][0]["vouchers"] == ["********IFT"]
    assert found["lines"][0]["customer"] == "mobile:********001"


def test_the_identifier_is_read_from_standard_input_so_that_no_command_line_shows_it(known):
    result = _run_with(f"{_MOBILE}\n", "customer", "show", "--mobile", "-", "--json")
    assert json.loads(result.stdout)["total"] == 3
    empty = _run_with("", "customer", "show", "--mobile", "-")
    assert (empty.exit_code, "Standard input is empty" in empty.stderr) == (2, True)
    both = _run_with(f"{_MOBILE}\n", "customer", "show", "--mobile", "-", "--email", "-")
    assert (both.exit_code, "Only one identifier" in both.stderr) == (2, True)


def test_exactly_one_identifier_must_be_given(run):
    none = run("customer", "show")
    assert (none.exit_code, "exactly one of mobile, email, external id" in none.stderr) == (2, True)
    two = run("customer", "erase", "--mobile", _MOBILE, "--external-id", "C-1", "--yes")
    assert (two.exit_code, "2 identifiers are given" in two.stderr) == (2, True)


def test_an_erased_customer_is_found_nowhere_and_the_act_is_recorded(run, known, home):
    result = run("customer", "erase", "--mobile", _MOBILE, "--yes", "--note", "ticket 42")
    assert (result.exit_code, result.stdout) == (0, "erased 3 jobs (3 lines)\n")
    assert "1 open dead letter among them" in result.stderr
    assert "Not reached: backups, archives" in result.stderr
    assert customer_lines(known.ledger, make_job(1).customer, limit=9).total == 0
    (action,) = actions_on(known.ledger, "customer")
    assert (action.verb, action.reason) == ("erase", "ticket 42")
    assert action.after == "jobs: 3, lines: 3"
    known.ledger.close()
    for file in home.glob("ledger.db*"):
        content = file.read_bytes()
        assert _MOBILE.encode() not in content
        assert _VOUCHER.encode() not in content
    assert json.loads(run("status", "spring", "--json").stdout)["balanced"] is True


def test_commands_show_an_erased_customer_as_erased(run, known):
    run("customer", "erase", "--mobile", _MOBILE, "--yes")
    table = run("outcomes", "spring").stdout.splitlines()
    assert [line.split()[4] for line in table[1:3]] == ["erased", "erased"]
    exported = run("outcomes", "spring", "--format", "jsonl", "--reveal").stdout.splitlines()
    assert json.loads(exported[0])["customer"] == "erased:*"
    assert "customer: erased" in run("show", make_job(1, campaign="spring").id).stdout
    listed = run("dead-letters", "list", "--format", "jsonl").stdout.splitlines()
    letters = {json.loads(line)["customer"]: json.loads(line)["id"] for line in listed}
    shown = run("dead-letters", "show", letters["erased"], "--reveal").stdout
    assert "its customer was erased, so there is no body to send" in shown
    assert "  body " not in shown
    refused = run("dead-letters", "redrive", letters["erased"], "--reissue")
    assert (refused.exit_code, "customer was erased" in refused.stderr) == (2, True)
    revoked = run("revoke", make_job(1, campaign="spring").id, "--note", "x", "--yes")
    assert (revoked.exit_code, "customer was erased" in revoked.stderr) == (2, True)
    pruned = run("prune", "--older-than", 1, "--dry-run")
    assert pruned.exit_code == 0


def test_a_file_that_is_sent_again_adds_nothing(run, desk, write_file):
    path = write_file(f"{_MOBILE},1001")
    run("blast", path, "--campaign", "spring")
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert run("customer", "erase", "--mobile", _MOBILE, "--yes").stdout.startswith("erased 1 job")
    result = run("blast", path, "--campaign", "spring")
    assert (result.exit_code, sum(desk.counts().values())) == (0, 1)
    assert "0 accepted, 1 already known" in result.stdout


def test_an_unsettled_line_refuses_the_erasure_and_is_named(run, known):
    known.accept(make_job(1, campaign="spring", occurrence=9))
    result = run("customer", "erase", "--mobile", _MOBILE, "--yes")
    assert result.exit_code == 2
    assert make_job(1, campaign="spring", occurrence=9).id in result.stderr.replace("\n", "")
    assert customer_lines(known.ledger, make_job(1).customer, limit=9).total == 4


def test_without_a_terminal_it_needs_yes_and_erases_nothing(run, known):
    result = run("customer", "erase", "--mobile", _MOBILE)
    assert (result.exit_code, "give --yes" in result.stderr) == (2, True)
    assert customer_lines(known.ledger, make_job(1).customer, limit=9).total == 3


@pytest.mark.parametrize("note", [_MOBILE, "asked by +91 98000 00001", "call 98000-00001"])
def test_a_note_that_names_the_customer_is_refused(run, known, note):
    result = run("customer", "erase", "--mobile", _MOBILE, "--yes", "--note", note)
    assert (result.exit_code, "The note names the customer" in result.stderr) == (2, True)
    assert customer_lines(known.ledger, make_job(1).customer, limit=9).total == 3


def test_a_log_that_a_reader_holds_is_reported_and_emptied_by_the_next_run(run, known, monkeypatch):
    monkeypatch.setattr(sqlite, "_TRUNCATE_MS", 10)
    with known.ledger.read() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM jobs").all()
        result = run("customer", "erase", "--mobile", _MOBILE, "--yes")
        assert (result.exit_code, "log (-wal) still holds" in result.stderr) == (3, True)
    again = run("customer", "erase", "--mobile", _MOBILE, "--yes")
    assert (again.exit_code, again.stdout) == (0, "erased 0 jobs (0 lines)\n")


def test_vacuum_rewrites_the_file(run, known):
    result = run("customer", "erase", "--mobile", _MOBILE, "--yes", "--vacuum")
    assert result.exit_code == 0
    assert known.counts()
