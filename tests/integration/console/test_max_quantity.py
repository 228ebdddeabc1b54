"""A new line above ISSUANCE_MAX_QUANTITY is refused in every way in; an accepted one stays so."""

import csv
import json

import pytest
from sqlalchemy import select

from config.endpoints import Servers
from config.settings_reader import read_settings
from ledger.store.schema import campaigns, lines
from producers import Producer, RequestRefusedError, Reward
from tests.workbooks import write_workbook

ROWS = (("919800000001", 1001, 10), ("919800000002", 1001, 11), ("919800000003", 1001, 1))
REFUSAL = "11 units are more than the most of one line (10)"
REMEDY = "raise ISSUANCE_MAX_QUANTITY"


def quantities(ledger):
    with ledger.read() as connection:
        return sorted(connection.scalars(select(lines.c.requested_quantity)))


def campaign_names(ledger):
    with ledger.read() as connection:
        return list(connection.scalars(select(campaigns.c.name)))


@pytest.fixture
def allow(monkeypatch):
    return lambda most: monkeypatch.setenv("ISSUANCE_MAX_QUANTITY", str(most))


def _csv(path, rows):
    path.write_text(
        "mobile,rewardId,quantity\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
    )


def _jsonl(path, rows):
    names = ("mobile", "rewardId", "quantity")
    path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))


def _xlsx(path, rows):
    write_workbook(path, {"rows": [("mobile", "rewardId", "quantity"), *rows]})


@pytest.fixture(params=[("f.csv", _csv, "3"), ("f.jsonl", _jsonl, "2"), ("f.xlsx", _xlsx, "3")])
def file(request, tmp_path):
    """A file whose second row is above the ceiling, and where it is in the file."""
    name, write, place = request.param
    write(tmp_path / name, ROWS)
    return tmp_path / name, place


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["accepted", "dry run"])
@pytest.mark.parametrize("group", [(), ("--group-by-customer",)], ids=["rows", "groups"])
def test_a_row_above_it_is_refused_with_row_field_and_remedy(run, ledger, file, dry, group):
    path, place = file
    result = run("blast", path, "--campaign", "spring", *dry, *group)
    assert result.exit_code == 3
    with path.with_suffix(".errors.csv").open(newline="") as listed:
        (refused,) = csv.DictReader(listed)
    row = refused["row" if path.suffix == ".xlsx" else "line"]
    assert (row, refused["field"]) == (place, "quantity")
    assert refused["problem"] == REFUSAL
    assert REMEDY in refused["remedy"]
    assert quantities(ledger) == ([] if dry else [1, 10])


def test_a_row_above_it_costs_no_other_row_of_its_customer(run, ledger, tmp_path):
    rows = [("919800000001", reward, units) for reward, units in ((1001, 2), (1002, 50), (1003, 3))]
    _csv(tmp_path / "f.csv", rows)
    assert run("blast", "f.csv", "--campaign", "spring", "--group-by-customer").exit_code == 3
    assert quantities(ledger) == [2, 3]


def test_a_row_of_several_rewards_is_refused_as_a_whole(run, ledger, tmp_path):
    rewards = [{"rewardId": 1001}, {"rewardId": 1002, "quantity": 11}]
    (tmp_path / "f.jsonl").write_text(json.dumps({"mobile": "919800000001", "rewards": rewards}))
    assert run("blast", "f.jsonl", "--campaign", "spring").exit_code == 3
    assert quantities(ledger) == []


def test_the_setting_raises_and_lowers_it(run, ledger, file, allow):
    path, _ = file
    allow(11)
    assert run("blast", path, "--campaign", "spring").exit_code == 0
    allow(1)
    assert run("blast", path, "--campaign", "summer").exit_code == 3
    assert quantities(ledger) == [1, 1, 10, 11]


@pytest.mark.parametrize("group", [(), ("--group-by-customer",)], ids=["rows", "groups"])
def test_an_accepted_file_is_known_after_it_was_lowered(run, ledger, file, allow, group):
    path, _ = file
    allow(100)
    assert run("blast", path, "--campaign", "spring", "--group-by-customer").exit_code == 0
    allow(1)
    again = run("blast", path, "--campaign", "spring", *group)
    assert again.exit_code == 0, again.output
    assert "3 already known" in again.output
    assert quantities(ledger) == [1, 10, 11]


def test_a_grouped_job_is_known_row_by_row_after_it_was_lowered(run, ledger, tmp_path, allow):
    rows = [("919800000001", reward, units) for reward, units in ((1001, 2), (1002, 50), (1003, 3))]
    _csv(tmp_path / "f.csv", rows)
    allow(50)
    assert run("blast", "f.csv", "--campaign", "spring", "--group-by-customer").exit_code == 0
    allow(2)
    again = run("blast", "f.csv", "--campaign", "spring", "--group-by-customer")
    assert "3 already known" in again.output
    assert quantities(ledger) == [2, 3, 50]


@pytest.mark.parametrize("key", [(), ("--key", "order-17")], ids=["no key", "key"])
def test_issue_refuses_it_with_field_and_remedy(run, ledger, key):
    arguments = ("issue", "--mobile", "919800000001", "--reward-id", 1001, *key)
    result = run(*arguments, "--quantity", 11)
    assert result.exit_code == 2
    assert "quantity: " + REFUSAL in " ".join(result.stderr.split())
    assert REMEDY in " ".join(result.stderr.split())
    assert quantities(ledger) == []
    assert run(*arguments, "--quantity", 10).exit_code == 0


def test_the_python_call_refuses_it_in_each_of_its_rewards(ledger):
    settings = read_settings()
    with Producer(settings, Servers.of(settings)) as producer:
        for more in ({"quantity": 11}, {"more": [Reward(1002, 11)]}):
            with pytest.raises(RequestRefusedError, match="ISSUANCE_MAX_QUANTITY") as caught:
                producer.enqueue(mobile="919800000001", reward_id=1001, **more)
            assert caught.value.field == "quantity"
    assert quantities(ledger) == []
    assert campaign_names(ledger) == []  # nothing is recorded


def test_a_repeated_keyed_request_is_known_after_it_was_lowered(ledger, allow):
    request = {"mobile": "919800000001", "reward_id": 1001, "quantity": 50, "key": "order-17"}
    enqueued = []
    for most in (50, 10):
        allow(most)
        settings = read_settings()
        with Producer(settings, Servers.of(settings)) as producer:
            enqueued.append(producer.enqueue(**request))
    assert [each.is_new for each in enqueued] == [True, False]
    assert enqueued[0].request_ids == enqueued[1].request_ids
    assert quantities(ledger) == [50]


@pytest.mark.parametrize("wrong", ["0", "1000001", "many"])
def test_a_wrong_ceiling_is_refused_at_the_start(run, allow, wrong):
    allow(wrong)
    result = run("issue", "--mobile", "919800000001", "--reward-id", 1001)
    assert result.exit_code == 2
    assert "ISSUANCE_MAX_QUANTITY" in result.stderr
