"""Differences that are planted into the reads, and what they show of a revocation."""

import httpx
import pytest

from simulator.access import basic_header
from simulator.serve import Simulator
from tests.contract.simulator.conftest import START, Api
from tests.contract.simulator.test_simulator_revoke import revoke


@pytest.fixture
def issued(api):
    return api.issue(api.line(1001, 2, "k"))["rewards"][0]["transactionId"]


def quantity(api, transaction):
    return api.details(transaction)["data"]["quantity"]


def test_a_hidden_transaction_is_in_no_read(api, sim, issued):
    sim.plant(issued, hidden=True)
    assert api.issuals() == []
    assert api.details(issued)["status"][0]["code"] == 6004
    assert sim.truth("k")["issued"] == 2
    sim.plant(issued, hidden=False)
    assert quantity(api, issued) == 2


@pytest.mark.parametrize("units", [0, 1, 3])
def test_reads_show_another_number_of_units(api, sim, issued, units):
    sim.plant(issued, units=units)
    shown = api.details(issued)["data"]
    assert (shown["quantity"], len(shown["vouchers"])) == (units, units)
    assert sim.truth("k")["issued"] == 2
    assert api.issue(api.line(1001, 2, "k"))["rewards"][0]["quantity"] == 2


def test_a_copy_has_the_same_reference_under_another_id(api, sim, issued):
    sim.plant(issued, copies=1)
    entries = api.issuals()
    assert {entry["rewardIssueRefId"] for entry in entries} == {"blast-1"}
    ids = {entry["rewardTransactionId"] for entry in entries}
    assert len(ids) == 2
    assert [quantity(api, number) for number in ids] == [2, 2]


def test_differences_are_planted_through_the_admin_interface(api, issued):
    path = f"/_transactions/{issued}"
    assert api.client.post(path, json={"units": 1}).status_code == 200
    assert quantity(api, issued) == 1
    assert api.client.post(path, json={"unit": 1}).status_code == 422
    assert api.client.post("/_transactions/1", json={"units": 1}).status_code == 404


@pytest.mark.parametrize(
    ("switch", "listed", "state", "code"),
    [
        ("unchanged", 1, None, 200),
        ("cancelled", 1, "CANCELLED", 200),
        ("gone", 0, None, 6004),
    ],
)
def test_a_switch_decides_what_reads_show_of_a_revoked_transaction(
    api, sim, issued, *, switch, listed, state, code
):
    sim.switch(revoke_enable=True, revoked_read=switch)
    revoke(api, txnId=issued)
    entries = api.issuals()
    assert [entry.get("state") for entry in entries] == [state] * listed
    shown = api.details(issued)
    assert shown["status"][0]["code"] == code
    assert (shown["data"] or {}).get("state") == state


def test_planted_differences_outlive_the_process(tmp_path):
    path = tmp_path / "truth.jsonl"
    headers = {"Authorization": basic_header("demo.till", "demo")}

    def start(act):
        with (
            Simulator(truth_file=path, clock=lambda: START) as simulator,
            httpx.Client(base_url=simulator.url, headers=headers) as client,
        ):
            return act(simulator, Api(client))

    def issue(simulator, api):
        number = api.issue(api.line(1001, 2, "k"))["rewards"][0]["transactionId"]
        simulator.plant(number, units=1)
        simulator.plant(number, copies=1)
        return number

    number = start(issue)
    assert start(lambda _, api: (quantity(api, number), len(api.issuals()))) == (1, 2)
