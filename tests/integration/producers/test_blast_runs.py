"""A campaign file is accepted into the ledger: each row once, for any number of runs."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from issuance.endpoint import Variant
from issuance.states import State
from ledger.campaigns import CampaignError, find_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.balance import balance
from ledger.queries.outcomes import outcomes
from ledger.store.schema import intakes, jobs
from producers.blast import BlastReport, check
from producers.freezing import Freezer
from producers.source import ErrorsFile, ReadOptions, Source
from tests.contract.ledger.build import OPERATOR

ROWS = [f"9198{number:08},1001" for number in range(1, 6)]
MANY = 20_000


def customers(ledger, campaign: str = "spring") -> list[str]:
    return [line.customer.value for line in outcomes(ledger, find_campaign(ledger, campaign))]


def bodies(ledger) -> list[dict]:
    with ledger.read() as connection:
        return [
            json.loads(body)
            for body in connection.scalars(select(jobs.c.body).order_by(jobs.c.number))
        ]


def refused(path) -> list[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["line"], row["field"], row["problem"]) for row in csv.DictReader(stream)]


def test_every_row_becomes_one_waiting_line_in_file_order(send, ledger, write_file):
    assert send(write_file(*ROWS)) == BlastReport(rows=5, accepted=5, jobs=5)
    assert customers(ledger) == [row.split(",")[0] for row in ROWS]
    assert balance(ledger, "spring").counts[State.WAITING] == 5


def test_the_same_file_twice_adds_nothing(send, ledger, write_file):
    path = write_file(*ROWS)
    send(path)
    assert send(path) == BlastReport(rows=5, known=5)
    assert balance(ledger, "spring").campaign.accepted_lines == 5


def test_the_same_rows_in_another_order_and_file_add_nothing(send, write_file):
    send(write_file(*ROWS))
    assert send(write_file(*reversed(ROWS), name="again.csv")) == BlastReport(rows=5, known=5)


def test_a_longer_file_adds_only_its_new_rows(send, write_file):
    send(write_file(*ROWS[:2]))
    assert send(write_file(*ROWS)) == BlastReport(rows=5, accepted=3, jobs=3, known=2)


def test_another_campaign_issues_the_same_rows_again(send, ledger, write_file):
    path = write_file(*ROWS)
    send(path)
    assert send(path, campaign="summer") == BlastReport(rows=5, accepted=5, jobs=5)
    ids = [
        line.request_id
        for name in ("spring", "summer")
        for line in outcomes(ledger, find_campaign(ledger, name))
    ]
    assert len(set(ids)) == 10


def test_a_repeated_row_is_refused_with_the_line_of_the_first(send, ledger, write_file, tmp_path):
    assert send(write_file(*ROWS, ROWS[0], ROWS[1])) == BlastReport(
        rows=7, accepted=5, jobs=5, refused=2
    )
    assert refused(tmp_path / "errors.csv") == [
        ("7", "", "the same customer and reward as line 2"),
        ("8", "", "the same customer and reward as line 3"),
    ]
    assert len(customers(ledger)) == 5


def test_a_repeat_in_another_batch_is_refused(send, write_file, tmp_path):
    rows = [f"9197{number:08},1001" for number in range(2_500)]
    assert send(write_file(*rows, rows[0])).refused == 1
    assert refused(tmp_path / "errors.csv") == [
        ("2502", "", "the same customer and reward as line 2")
    ]


def test_two_rewards_for_one_customer_are_not_a_repeat(send, write_file):
    assert send(write_file("919800000001,1001", "919800000001,1002")).accepted == 2


def test_a_row_with_changed_values_is_refused_and_the_first_body_stays(
    send, ledger, write_file, tmp_path
):
    send(write_file("919800000001,1001,1", header="mobile,rewardId,quantity"))
    changed = send(write_file("919800000001,1001,3", header="mobile,rewardId,quantity"))
    assert changed == BlastReport(rows=1, refused=1)
    [(line, _, problem)] = refused(tmp_path / "errors.csv")
    assert (line, problem) == ("2", "accepted before with other values (line 2 of an earlier run)")
    assert [body["rewards"][0]["quantity"] for body in bodies(ledger)] == [1]


def test_refused_rows_are_in_the_errors_file_in_file_order(send, write_file, tmp_path):
    rows = ["12,1001", *ROWS, "919800000099,x", ROWS[0], ",1001"]
    assert send(write_file(*rows)) == BlastReport(rows=9, accepted=5, jobs=5, refused=4)
    assert [(line, field) for line, field, _ in refused(tmp_path / "errors.csv")] == [
        ("2", "mobile"),
        ("8", "rewardId"),
        ("9", ""),
        ("10", ""),
    ]


def test_the_intake_is_recorded_with_its_counts(send, ledger, write_file):
    send(write_file(*ROWS, ROWS[0], "12,1001"))
    with ledger.read() as connection:
        intake = connection.execute(select(intakes)).one()
    assert (intake.accepted, intake.known, intake.refused) == (5, 0, 2)
    assert intake.finished_at >= intake.started_at


def test_only_new_rows_are_reported_with_their_request_id(send, ledger, write_file):
    path = write_file("919800000001,1001", "919800000002,1001")
    with capture_logs() as events:
        send(path)
        send(path)
    accepted = [event["request_id"] for event in events if event["event"] == "row_accepted"]
    assert accepted == [
        line.request_id for line in outcomes(ledger, find_campaign(ledger, "spring"))
    ]
    assert {event["log_level"] for event in events if event["event"] == "row_accepted"} == {"debug"}


def test_a_cancelled_campaign_accepts_nothing(send, ledger, write_file):
    send(write_file(*ROWS[:1]))
    cancel_campaign(ledger, "spring", OPERATOR)
    with pytest.raises(CampaignError, match="choose another name"):
        send(write_file(*ROWS))
    assert len(customers(ledger)) == 1


@pytest.mark.parametrize("variant", Variant)
def test_each_endpoint_gets_its_own_body_with_the_lines_request_id(
    send, ledger, write_file, variant
):
    send(write_file(*ROWS[:2]), api_variant=variant, api_data_scope_org="500")
    ids = [line.request_id for line in outcomes(ledger, find_campaign(ledger, "spring"))]
    for request_id, body in zip(ids, bodies(ledger), strict=True):
        assert body["transactionNumber"] == request_id
        if variant is Variant.SINGLE:
            assert (body["requestId"], "rewards" in body) == (request_id, False)
        else:
            assert [reward["requestId"] for reward in body["rewards"]] == [request_id]
    orgs = [body.get("orgLevelDetails") for body in bodies(ledger)]
    assert orgs == [[{"orgId": 500}] if variant is Variant.CONNECTED else None] * 2


def test_a_row_that_the_single_endpoint_cannot_issue_is_refused(send, write_file, tmp_path):
    path = write_file(
        "919800000001,1001,2", "919800000002,1001,1", header="mobile,rewardId,quantity"
    )
    assert send(path, api_variant=Variant.SINGLE) == BlastReport(
        rows=2, accepted=1, jobs=1, refused=1
    )
    [(line, field, problem)] = refused(tmp_path / "errors.csv")
    assert (line, field) == ("2", "quantity")
    assert "issues one unit" in problem


def test_the_connected_endpoint_needs_an_organisation(send, write_file, tmp_path):
    assert send(write_file(ROWS[0]), api_variant=Variant.CONNECTED).refused == 1
    assert refused(tmp_path / "errors.csv")[0][1] == "orgId"


def test_a_dry_run_counts_the_same_without_changing_the_ledger(
    ledger, settings, write_file, tmp_path
):
    with ErrorsFile(tmp_path / "errors.csv") as errors:
        path = write_file(*ROWS, "12,1001")
        report = check("spring", Source(path, ReadOptions()), Freezer.of_settings(settings), errors)
    assert report == BlastReport(rows=6, accepted=5, jobs=5, refused=1)
    with ledger.read() as connection:
        assert connection.execute(select(jobs.c.number)).all() == []


def test_a_killed_and_repeated_producer_accepts_each_row_exactly_once(ledger, write_file):
    path = write_file(*(f"9198{number:08},1001" for number in range(MANY)))
    command = [sys.executable, "-m", "console", "blast", str(path), "--campaign", "spring"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not _accepted(ledger):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    before = _accepted(ledger)
    assert 0 < before < MANY
    again = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    expected = (
        f"spring: {MANY - before:,} accepted, {before:,} already known, "
        f"0 refused of {MANY:,} rows\n"
    )
    assert again.stdout == expected
    issued = customers(ledger)
    assert (len(issued), len(set(issued))) == (MANY, MANY)
    assert balance(ledger, "spring").balanced


def _accepted(ledger) -> int:
    try:
        return find_campaign(ledger, "spring").accepted_lines
    except CampaignError:
        return 0
