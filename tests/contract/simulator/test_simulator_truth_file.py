"""A later life of the simulator on the same truth file knows what earlier ones have done, however they ended."""

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
def life(path):
    """One life of the simulator on the file, and a caller of it."""

    @contextmanager
    def begin(**switches):
        with Simulator(truth_file=path, clock=lambda: START, **switches) as simulator:
            headers = {"Authorization": basic_header("demo.till", "demo")}
            with httpx.Client(base_url=simulator.url, headers=headers) as client:
                yield simulator, Api(client)

    return begin


def act(api, sim):
    """All kinds of calls that leave something behind."""
    api.issue(api.line(1002, 2, "whole"), **GOLD)
    api.issue(api.line(1006, 2, "partly"), **GOLD)
    api.issue(api.line(1005, 1, "refused"), **GOLD)
    api.issue(api.line(1001, 1, "first of two"), api.line(1011, 1, "second of two"), mobile="77")
    api.issue(api.line(1001, 1, "never"), brand="NOBODY", mobile="88")
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


def test_everything_that_was_issued_is_known_to_the_next_life_under_the_same_names(life):
    with life() as (first, api):
        act(api, first)
        truth, reads, summary = first.truth(), api.issuals(GOLD["mobile"]), first.summary()
    with life() as (second, api):
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
    with life() as (third, api):
        assert third.truth() == truth


def test_the_same_call_in_the_next_life_gets_the_same_vouchers_and_issues_nothing(life):
    with life() as (_first, api):
        before = api.issue(api.line(1002, 2, "k"), **GOLD)
    with life() as (second, api):
        assert api.issue(api.line(1002, 2, "k"), **GOLD) == before
        assert (second.truth("k")["issued"], second.truth("k")["calls"]) == (2, 2)


def test_a_request_id_is_bound_to_its_request_and_a_refused_one_stays_burnt_over_lives(life):
    with life() as (_first, api):
        api.issue(api.line(1001, 1, "mine"), **GOLD)
        api.issue(api.line(1005, 1, "burnt"), **GOLD)
    with life() as (_second, api):
        assert api.issue(api.line(1011, 1, "mine"), **GOLD)["status"]["code"] == 10003
        assert api.issue(api.line(1005, 1, "burnt"), **GOLD)["status"]["code"] == 400


def test_limits_and_points_are_used_up_over_lives(life):
    with life() as (first, api):
        first.put_customer(customer_id=10, mobile="10", points=15)
        assert api.issue(api.line(1006, 1, "daily"), **GOLD)["status"]["code"] == 200
        assert api.issue(api.line(1002, 1, "paid"), mobile="10")["status"]["code"] == 200
    with life() as (_second, api):
        assert (
            api.issue(api.line(1006, 1, "again"), **GOLD)["rewards"][0]["status"]["code"] == 12005
        )
        assert api.issue(api.line(1002, 1, "poor"), mobile="10")["status"]["code"] == 8004


def test_what_is_new_in_the_next_life_has_names_of_its_own(life):
    with life() as (_first, api):
        old = api.issue(api.line(1001, 1, "old"), **GOLD)["rewards"][0]
    with life() as (_second, api):
        new = api.issue(api.line(1001, 1, "new"), **GOLD)["rewards"][0]
        assert new["transactionId"] > old["transactionId"]
        assert new["intouch"][0]["couponCode"] != old["intouch"][0]["couponCode"]


def test_connected_organisations_calls_are_known_to_the_next_life(life):
    scope = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001"}
    with life() as (_first, api):
        line = api.line(1001, 1, "k", orgId=4001)
        before = api.bulk(line, path=CONNECTED, headers=scope).json()
    with life() as (_second, api):
        assert api.bulk(line, path=CONNECTED, headers=scope).json() == before


def test_a_reset_is_final_and_the_options_of_the_new_life_hold(life):
    with life(http_mode="openapi_400") as (first, api):
        api.issue(api.line(1001, 1, "forgotten"), **GOLD)
        first.reset()
        api.issue(api.line(1001, 1, "kept"), **GOLD)
    with life() as (second, api):
        assert list(second.truth()) == ["kept"]
        assert api.bulk(api.line(1005), **GOLD).status_code == 200


def test_half_a_line_of_a_killed_life_costs_only_itself(life, path):
    with life() as (_first, api):
        api.issue(api.line(1001, 1, "whole"), **GOLD)
    with path.open("a") as file:
        file.write('{"event": "call", "at": 18')
    with life() as (second, api):
        assert list(second.truth()) == ["whole"]
        api.issue(api.line(1001, 1, "later"), **GOLD)
    assert json.loads(path.read_text().splitlines()[-1])["requestId"] == "later"
    with life() as (third, api):
        assert list(third.truth()) == ["whole", "later"]
