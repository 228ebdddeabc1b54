"""Exports of lines that issued nothing, which `blast` reads again; and filters given twice."""

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from issuance.redrive.rules import Verb
from ledger.campaigns import find_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.outcomes import outcomes
from ledger.store.schema import jobs
from tests.contract.ledger.build import OPERATOR, TIMEOUT, issue, judge, make_job, refuse

SAMPLES = Path(__file__).parents[3] / "samples"


@pytest.fixture
def settled(desk):
    """Lines that are issued, refused, in doubt and waiting."""
    held, job = desk.take_one(make_job(1, campaign="spring"))
    desk.record(held, judge(job, issue(job)))
    desk.settle(make_job(2, campaign="spring"), refuse(12034))
    desk.settle(make_job(3, campaign="spring"), TIMEOUT)
    desk.accept(make_job(4, campaign="spring"))
    return desk


def _states(run, *options):
    lines = run("outcomes", "spring", *options, "--format", "jsonl").stdout.splitlines()
    return [json.loads(line)["state"] for line in lines]


def test_a_state_given_twice_means_both(run, settled):
    assert _states(run, "--state", "failed", "--state", "issued") == ["issued", "failed"]
    both = _states(run, "--state", "waiting", "--state", "in_doubt")
    assert both == ["in_doubt", "waiting"]
    assert _states(run, "--state", "waiting", "--state", "running") == ["waiting"]


def test_not_issued_means_all_whose_customer_has_not_got_it(run, settled):
    assert _states(run, "--not-issued") == ["failed", "in_doubt", "waiting"]
    assert _states(run, "--not-issued", "--state", "failed", "--state", "issued") == ["failed"]


def test_every_line_has_its_row_and_a_reason_in_plain_words(run, settled):
    found = csv.DictReader(io.StringIO(run("outcomes", "spring", "--format", "csv").stdout))
    assert [(each["sourceLine"], each["reason"]) for each in found] == [
        ("2", ""),
        ("3", "the customer is not in the reward's segment"),
        ("4", "no readable answer came, so it may have been issued"),
        ("5", "it was not sent yet, or will be sent again"),
    ]


def test_rows_for_a_blast_leave_out_what_may_be_issued(run, settled):
    result = run("outcomes", "spring", "--not-issued", "--rows", "--reveal")
    [row] = csv.DictReader(io.StringIO(result.stdout))
    assert row["mobile"] == "919800000002"
    assert row["rewardId"] == "1001"
    assert (row["outcome.line"], row["outcome.state"]) == ("3", "failed")
    assert row["outcome.reason"] == "the customer is not in the reward's segment"
    assert "Left out: 3 lines of spring" in " ".join(result.stderr.split())


def test_rows_leave_out_what_was_reissued(run, settled):
    settled.redrive(Verb.REISSUE, reason="failed")
    result = run("outcomes", "spring", "--rows", "--reveal")
    assert len(result.stdout.splitlines()) == 1


def test_rows_need_reveal_which_is_recorded_as_an_export(run, settled):
    result = run("outcomes", "spring", "--rows")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "give --reveal too" in " ".join(result.stderr.split())
    run("outcomes", "spring", "--rows", "--reveal")
    assert "exported spring: csv rows, in the clear" in run("history").stdout


def test_excel_gets_a_byte_order_mark_which_blast_reads(run, settled, tmp_path):
    result = run("outcomes", "spring", "--rows", "--reveal", "--excel")
    assert result.stdout.startswith("\ufeffmobile,")
    assert result.stdout_bytes.count(b"\r\n") == 2
    file = tmp_path / "again.csv"
    file.write_bytes(result.stdout_bytes)
    again = run("blast", file, "--campaign", "again")
    assert "again: 1 accepted, 0 already known, 0 refused of 1 row" in again.stdout
    assert run("outcomes", "spring", "--excel").stdout.startswith("\ufeffrequestId,")
    assert run("outcomes", "spring", "--excel", "--format", "jsonl").exit_code == 2


def _bodies(ledger, campaign):
    """The bodies of a campaign's jobs, without the ids that we make."""
    with ledger.read() as connection:
        found = find_campaign(ledger, campaign).id
        query = select(jobs.c.customer, jobs.c.body, jobs.c.scope, jobs.c.variant)
        rows = connection.execute(query.where(jobs.c.campaign_id == found)).all()
    return sorted((row[0], _without_ids(json.loads(row[1])), *row[2:]) for row in rows)


def _without_ids(body):
    for each in (body, *body.get("rewards", [])):
        each.pop("requestId", None)
        each.pop("transactionNumber", None)
    return json.dumps(body, sort_keys=True)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("sample", "variant"),
    [("bulk.csv", "bulk"), ("single.csv", "single"), ("connected.jsonl", "connected")],
)
def test_a_cancelled_campaign_is_exported_and_accepted_again_unchanged(  # noqa: PLR0917
    run, ledger, monkeypatch, sample, variant, form
):
    monkeypatch.setenv("ISSUANCE_API_VARIANT", variant)
    monkeypatch.setenv("ISSUANCE_API_DATA_SCOPE_ORG", "4000")
    assert run("blast", SAMPLES / sample, "--campaign", "first").exit_code in (0, 3)
    cancel_campaign(ledger, "first", OPERATOR)
    count = len(list(outcomes(ledger, find_campaign(ledger, "first"))))
    assert count > 3
    file = Path(f"again.{form}")
    result = run("outcomes", "first", "--rows", "--reveal", "--format", form)
    assert result.exit_code == 0, result.stderr
    file.write_text(result.stdout, encoding="utf-8")
    options = [] if form == "jsonl" else ["--group-by-customer"] * (variant != "single")
    again = run("blast", file, "--campaign", "again", *options)
    assert f"again: {count:,} accepted" in again.stdout, again.stdout + again.stderr
    # A row of CSV has one reward, so a call to two organisations becomes two.
    if (form, variant) != ("csv", "connected"):
        assert _bodies(ledger, "first") == _bodies(ledger, "again")


def test_a_value_that_a_spreadsheet_would_run_is_refused_for_csv(run, desk, write_file):
    path = write_file("=1+1,1001", header="externalId,rewardId")
    assert run("blast", path, "--campaign", "spring").exit_code == 0
    cancel_campaign(desk.ledger, "spring", OPERATOR)
    result = run("outcomes", "spring", "--rows", "--reveal")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "export with --format jsonl" in " ".join(result.stderr.split())
    shown = run("outcomes", "spring", "--rows", "--reveal", "--format", "jsonl").stdout
    assert json.loads(shown)["externalId"] == "=1+1"
