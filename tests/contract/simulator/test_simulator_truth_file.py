"""A simulator restores the state that earlier ones left in the same truth file."""

import json
from contextlib import contextmanager

import httpx
import pytest

from simulator.access import basic_header
from simulator.serve import Simulator
from tests.contract.simulator.conftest import CONNECTED, START, Api

GOLD = {"mobile": "919700000501"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "truth.jsonl"


@pytest.fixture
def start(path):
    """Starts a simulator on the file, with a caller."""

    @contextmanager
    def begin(**switches):
        with Simulator(truth_file=path, clock=lambda: START, **switches) as simulator:
            headers = {"Authorization": basic_header("demo.till", "demo")}
            with httpx.Client(base_url=simulator.url, headers=headers) as client:
                yield simulator, Api(client)

    return begin


def make_calls(api, sim):
    """One call of every kind that changes the state."""
    api.issue(api.line(1002, 2, "whole"), **GOLD)
    api.issue(api.line(1006, 2, "partly"), **GOLD)
    api.issue(api.line(1005, 1, "refused"), **GOLD)
    api.issue(api.line(1001, 1, "first of two"), api.line(1011, 1, "second of two"), mobile="77")
    api.issue(api.line(1001, 1, "never"), brand="UNKNOWN", mobile="88")
    api.issue(api.line(1001, 1, "by mail"), email="new@example.test")
    sim.change_reward(1005, enabled=True)
    api.issue(api.line(1005, 1, "enabled"), **GOLD)
    sim.put_customer(customer_id=10, mobile="10", points=15)
    api.issue(api.line(1002, 1, "with points"), mobile="10")
    sim.faults(next=[{"fault": {"kind": "outcome", "code": 8010, "units": 1}}])
    api.issue(api.line(1001, 3, "forced"), **GOLD)
    sim.switch(revoke_enable=True)
    revoked = {"txnId": sim.truth("by mail")["transactionIds"][0]}
    api.client.post(
        "/api_gateway/rewards/core/v1/user/reward/revoke?username=demo.till", json=revoked
    )


def test_issued_rewards_keep_their_ids_and_vouchers_after_a_restart(start):
    with start() as (first, api):
        make_calls(api, first)
        truth, reads, summary = first.truth(), api.issuals(GOLD["mobile"]), first.summary()
    with start() as (second, api):
        assert second.truth() == truth
        assert api.issuals(GOLD["mobile"]) == reads
        known = (
            "unitsIssued",
            "unitsRevoked",
            "pointsCharged",
            "pointsRefunded",
            "requestIds",
            "overIssued",
        )
        assert {name: second.summary()[name] for name in known} == {
            name: summary[name] for name in known
        }
    with start() as (third, api):
        assert third.truth() == truth


def test_a_call_repeated_after_a_restart_gets_the_same_vouchers_and_issues_nothing(start):
    with start() as (_first, api):
        before = api.issue(api.line(1002, 2, "k"), **GOLD)
    with start() as (second, api):
        assert api.issue(api.line(1002, 2, "k"), **GOLD) == before
        assert (second.truth("k")["issued"], second.truth("k")["calls"]) == (2, 2)


def test_a_request_id_stays_bound_or_used_up_after_a_restart(start):
    with start() as (_first, api):
        api.issue(api.line(1001, 1, "mine"), **GOLD)
        api.issue(api.line(1005, 1, "used up"), **GOLD)
    with start() as (_second, api):
        assert api.issue(api.line(1011, 1, "mine"), **GOLD)["status"]["code"] == 10003
        assert api.issue(api.line(1005, 1, "used up"), **GOLD)["status"]["code"] == 400


def test_used_limits_and_points_are_restored(start):
    with start() as (first, api):
        first.put_customer(customer_id=10, mobile="10", points=15)
        assert api.issue(api.line(1006, 1, "daily"), **GOLD)["status"]["code"] == 200
        assert api.issue(api.line(1002, 1, "paid"), mobile="10")["status"]["code"] == 200
    with start() as (_second, api):
        assert (
            api.issue(api.line(1006, 1, "again"), **GOLD)["rewards"][0]["status"]["code"] == 12005
        )
        assert api.issue(api.line(1002, 1, "poor"), mobile="10")["status"]["code"] == 8004


def test_new_vouchers_and_ids_after_a_restart_are_unique(start):
    with start() as (_first, api):
        old = api.issue(api.line(1001, 1, "old"), **GOLD)["rewards"][0]
    with start() as (_second, api):
        new = api.issue(api.line(1001, 1, "new"), **GOLD)["rewards"][0]
        assert new["transactionId"] > old["transactionId"]
        assert new["intouch"][0]["couponCode"] != old["intouch"][0]["couponCode"]


def test_calls_for_connected_organisations_are_restored(start):
    scope = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001"}
    with start() as (_first, api):
        line = api.line(1001, 1, "k", orgId=4001)
        call = {"path": CONNECTED, "headers": scope, "orgLevelDetails": [{"orgId": 4001}]}
        before = api.bulk(line, **call).json()
        assert before["status"]["code"] == 200
    with start() as (second, api):
        assert api.bulk(line, **call).json() == before
        assert (second.truth("k")["orgId"], second.truth("k")["differingCalls"]) == (4001, 0)


def test_a_reset_stays_in_effect_and_the_new_options_apply(start):
    with start(http_mode="openapi_400") as (first, api):
        api.issue(api.line(1001, 1, "forgotten"), **GOLD)
        first.reset()
        api.issue(api.line(1001, 1, "kept"), **GOLD)
    with start() as (second, api):
        assert list(second.truth()) == ["kept"]
        assert api.bulk(api.line(1005), **GOLD).status_code == 200


def test_an_incomplete_last_line_loses_only_itself(start, path):
    with start() as (_first, api):
        api.issue(api.line(1001, 1, "whole"), **GOLD)
    with path.open("a") as file:
        file.write('{"event": "call", "at": 18')
    with start() as (second, api):
        assert list(second.truth()) == ["whole"]
        api.issue(api.line(1001, 1, "later"), **GOLD)
    assert json.loads(path.read_text().splitlines()[-1])["requestId"] == "later"
    with start() as (third, api):
        assert list(third.truth()) == ["whole", "later"]
