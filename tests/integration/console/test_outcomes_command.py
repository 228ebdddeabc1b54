"""`issuance outcomes`: every line with its outcome, masked without --reveal."""

import csv
import io
import json

import pytest

from operations.outcome_export import CSV_FIELDS, JSON_FIELDS
from tests.contract.ledger.build import Desk, answer, judge, make_job, refuse, say


@pytest.fixture
def settled(desk: Desk) -> Desk:
    """An issued line with vouchers, a refused line and a waiting line."""
    held, job = desk.take_one(make_job(1, campaign="spring", quantity=2))
    reply = answer(*(say(line, vouchers=["=GOLD-11112222", "GOLD-33334444"]) for line in job.lines))
    desk.record(held, judge(job, reply))
    desk.settle(make_job(2, campaign="spring"), refuse(1014, "no customer 919800000002"))
    desk.accept(make_job(3, campaign="spring"))
    return desk


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_jsonl_has_the_documented_fields_in_their_order(run, settled):
    first, *_ = map(json.loads, run("outcomes", "spring", "--format", "jsonl").stdout.splitlines())
    assert tuple(first) == JSON_FIELDS
    assert first["state"] == "issued"
    assert (first["rewardId"], first["requestedQuantity"], first["quantity"]) == (1001, 2, 2)
    assert first["requestId"] == first["jobId"]
    assert first["settledAt"].endswith("Z")
    assert "T" in first["settledAt"]


def test_csv_has_its_documented_columns_with_joined_lists_and_empty_cells_for_none(run, settled):
    found = rows(run("outcomes", "spring", "--format", "csv", "--reveal").stdout)
    assert tuple(found[0]) == CSV_FIELDS
    assert found[0]["vouchers"] == "'=GOLD-11112222;GOLD-33334444"
    assert (found[2]["state"], found[2]["code"], found[2]["settledAt"]) == ("waiting", "", "")


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_customers_vouchers_and_free_text_are_masked(run, settled, form):
    output = run("outcomes", "spring", "--format", form).stdout
    assert "********001" in output
    assert "********222" in output
    for private in ("919800000001", "919800000002", "GOLD"):
        assert private not in output


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_reveal_shows_customers_vouchers_and_free_text(run, settled, form):
    output = run("outcomes", "spring", "--format", form, "--reveal").stdout
    for private in ("919800000001", "GOLD-33334444", "no customer 919800000002"):
        assert private in output


@pytest.mark.parametrize(
    ("state", "count"), [("issued", 1), ("failed", 1), ("waiting", 1), ("partial", 0)]
)
def test_a_state_selects_its_lines(run, settled, state, count):
    output = run("outcomes", "spring", "--state", state, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["state"] for line in output] == [state] * count


def test_the_table_keeps_the_request_id_within_80_columns(run, settled):
    head, *lines = run("outcomes", "spring").stdout.splitlines()
    assert head.split()[:6] == ["state", "code", "units", "reward", "customer", "requestId"]
    request_ids = [
        line.request_id
        for job in (1, 2, 3)
        for line in settled.lines(make_job(job, campaign="spring"))
    ]
    assert [line[42:78] for line in lines] == request_ids


def test_an_unknown_campaign_is_unusable(run, settled):
    result = run("outcomes", "sprnig", "--format", "csv")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_closed_pipe_ends_the_command_quietly(start, desk):
    desk.accept(*(make_job(number, campaign="spring") for number in range(2_000)))
    process = start("outcomes", "spring", "--format", "jsonl")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(30) == 1
