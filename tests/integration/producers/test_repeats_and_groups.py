"""Rows of one customer: allowed repeats, rows that share a call, and repeated files."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from ledger.campaigns import CampaignError, find_campaign
from ledger.queries.outcomes import outcomes
from ledger.store.schema import jobs
from producers.preparing import BlastOptions

REPEATS = BlastOptions(allow_repeats=True)
GROUPED = BlastOptions(group_by_customer=True)
BOTH = BlastOptions(allow_repeats=True, group_by_customer=True)
ANNA, BEN = "919800000001", "919800000002"
ROWS = [f"{ANNA},1001", f"{BEN},1001", f"{ANNA},1002", f"{BEN},1002", f"{ANNA},1003"]


def groups(ledger) -> list[list[tuple[str, int]]]:
    """Last digit and rewards of the customer, for each job."""
    found: dict[str, list[tuple[str, int]]] = {}
    for line in outcomes(ledger, find_campaign(ledger, "spring")):
        found.setdefault(line.job_id, []).append((line.customer.value[-1], line.reward_id))
    return list(found.values())


def request_ids(ledger) -> list[str]:
    return [line.request_id for line in outcomes(ledger, find_campaign(ledger, "spring"))]


def counts(report) -> tuple[int, int, int]:
    return (report.accepted, report.known, report.refused)


def refused(path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["line"], row["problem"]) for row in csv.DictReader(stream)]


def test_an_allowed_repeat_is_another_reward_and_a_second_run_adds_none(send, ledger, write_file):
    path = write_file(ROWS[0], ROWS[0], ROWS[1], ROWS[0])
    assert counts(send(path, options=REPEATS)) == (4, 0, 0)
    assert len(set(request_ids(ledger))) == 4
    assert counts(send(path, options=REPEATS)) == (0, 4, 0)


def test_refused_repeats_are_accepted_once_they_are_allowed(send, ledger, write_file):
    path = write_file(ROWS[0], ROWS[0], ROWS[0])
    assert counts(send(path)) == (1, 0, 2)
    assert counts(send(path, options=REPEATS)) == (2, 1, 0)
    assert len(request_ids(ledger)) == 3


def test_a_refused_repeat_is_never_issued_by_another_run_of_the_file(send, ledger, write_file):
    path = write_file(ROWS[0], ROWS[0])
    assert counts(send(path)) == (1, 0, 1)
    assert counts(send(path)) == (0, 2, 0)
    assert len(request_ids(ledger)) == 1


def test_the_refusal_of_a_repeat_names_the_option_that_allows_it(send, write_file, tmp_path):
    send(write_file(ROWS[0], ROWS[0]))
    assert "--allow-repeats" in (tmp_path / "errors.csv").read_text()


def test_repeats_are_numbered_across_batches(send, ledger, write_file):
    path = write_file(*(f"{ANNA},1001" for _ in range(1_500)))
    assert counts(send(path, options=REPEATS)) == (1_500, 0, 0)
    assert len(set(request_ids(ledger))) == 1_500
    assert counts(send(path, options=REPEATS)) == (0, 1_500, 0)


def test_rows_of_one_customer_become_one_job_up_to_the_cap(send, ledger, write_file):
    report = send(write_file(*ROWS), options=GROUPED, job_max_lines=2)
    assert (counts(report), report.jobs) == ((5, 0, 0), 3)
    assert groups(ledger) == [[("1", 1001), ("1", 1002)], [("2", 1001), ("2", 1002)], [("1", 1003)]]


def test_a_grouped_body_names_each_reward_with_its_own_request_id(send, ledger, write_file):
    send(write_file(*ROWS[::2]), options=GROUPED)
    with ledger.read() as connection:
        body = json.loads(connection.scalars(select(jobs.c.body)).one())
    assert [reward["requestId"] for reward in body["rewards"]] == request_ids(ledger)
    assert body["transactionNumber"] == request_ids(ledger)[0]


@pytest.mark.parametrize(
    ("first", "second"), [(None, GROUPED), (GROUPED, None), (GROUPED, GROUPED)]
)
def test_a_second_run_adds_nothing_with_or_without_groups(send, ledger, write_file, first, second):
    path = write_file(*ROWS)
    send(path, options=first)
    assert counts(send(path, options=second)) == (0, 5, 0)
    assert len(request_ids(ledger)) == 5


def test_known_rows_of_a_group_are_not_sent_again_with_new_ones(send, ledger, write_file):
    send(write_file(ROWS[2]))
    assert counts(send(write_file(*ROWS), options=GROUPED)) == (4, 1, 0)
    assert groups(ledger) == [[("1", 1002)], [("1", 1001), ("1", 1003)], [("2", 1001), ("2", 1002)]]


def test_other_batch_boundaries_add_nothing(send, ledger, write_file):
    many = [f"9197{number:08},{reward}" for number in range(600) for reward in (1001, 1002)]
    path = write_file(*many)
    assert counts(send(path, options=GROUPED)) == (1_200, 0, 0)
    one_more = write_file("919799999999,1001", *many, name="longer.csv")
    assert counts(send(one_more, options=GROUPED)) == (1, 1_200, 0)
    assert len(set(request_ids(ledger))) == 1_201


def test_a_repeat_in_a_group_is_refused_with_the_rows_it_repeats(
    send, ledger, write_file, tmp_path
):
    path = write_file(*ROWS, ROWS[2], ROWS[0])
    assert counts(send(path, options=GROUPED)) == (5, 0, 2)
    assert refused(tmp_path / "errors.csv") == [
        ("7", "the same customer and reward as one of the customer's rows from line 2 on"),
        ("8", "the same customer and reward as line 2"),
    ]
    assert len(request_ids(ledger)) == 5


def test_allowed_repeats_never_share_a_call(send, ledger, write_file):
    path = write_file(*ROWS, *ROWS)
    assert counts(send(path, options=BOTH)) == (10, 0, 0)
    assert sorted(map(len, groups(ledger))) == [2, 2, 3, 3]
    assert all(len(set(group)) == len(group) for group in groups(ledger))
    assert counts(send(path, options=BOTH)) == (0, 10, 0)


@pytest.mark.rest  # the same kill as in test_blast_runs.py, with repeats
@pytest.mark.parametrize("flags", [["--allow-repeats"], ["--allow-repeats", "--group-by-customer"]])
def test_a_killed_and_repeated_file_with_repeats_gives_each_row_once(ledger, write_file, flags):
    rows = [f"9197{number % 7_000:08},{1001 + number % 2}" for number in range(14_000)]
    path = write_file(*rows, *rows[:1_000])
    command = [sys.executable, "-m", "console", "blast", str(path), "--campaign", "spring", *flags]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not _accepted(ledger):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    before = _accepted(ledger)
    assert 0 < before < 15_000
    again = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    assert f"{before:,} already known, 0 refused of 15,000 rows" in again.stdout
    assert (_accepted(ledger), len(set(request_ids(ledger)))) == (15_000, 15_000)


def _accepted(ledger) -> int:
    try:
        return find_campaign(ledger, "spring").accepted_lines
    except CampaignError:
        return 0
