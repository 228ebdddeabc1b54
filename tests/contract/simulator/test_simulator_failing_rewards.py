"""Rewards that die, run out, fail for some lines, or are limited by the brand's own days."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError

from simulator.access import basic_header
from simulator.demo_catalogue import DEMO
from simulator.serve import Simulator
from simulator.switches import Switches
from tests.contract.simulator.conftest import START, Api, Clock

HEADERS = {"Authorization": basic_header("demo.till", "demo")}
VOUCHER_MISSING = "fail to issue reward as voucher is not present"
DISABLED = "fail to issue reward as Reward is disabled or not started yet or expired"


def statuses(api, reward, calls, **fields):
    """The status of one line of the reward for each of new customers."""
    replies = [api.issue(api.line(reward, **fields), mobile=f"{reward}-{n}") for n in range(calls)]
    return [reply["rewards"][0]["status"] for reply in replies]


def codes(api, reward, calls, **fields):
    return [status["code"] for status in statuses(api, reward, calls, **fields)]


def test_a_reward_dies_half_way_and_can_be_revived(api, sim):
    sim.change_reward(1001, failures=[{"after_units": 3}])
    found = statuses(api, 1001, 5)
    assert [status["code"] for status in found] == [200, 200, 200, 8003, 8003]
    assert found[-1]["message"] == DISABLED
    assert codes(api, 1011, 1) == [200]
    sim.change_reward(1001, failures=[])
    assert codes(api, 1001, 1) == [200]


def test_a_line_that_meets_a_dead_reward_uses_up_its_request_id(api, sim):
    sim.change_reward(1001, failures=[{}])
    api.issue(api.line(1001, key="k"))
    sim.change_reward(1001, failures=[])
    assert api.issue(api.line(1001, key="k"))["status"]["code"] == 400
    assert (sim.truth("k")["issued"], sim.summary()["overIssued"]) == (0, 0)


def test_the_points_of_a_dead_reward_are_not_asked_for(api, sim):
    sim.change_reward(1002, failures=[{}])
    assert api.issue(api.line(1002), mobile="919700000502")["rewards"][0]["status"]["code"] == 8003


def test_the_last_line_gets_what_is_left_of_a_stock(api, sim):
    sim.change_reward(1003, stock=5)
    assert codes(api, 1003, 4, quantity=2) == [200, 200, 8010, 8003]
    assert statuses(api, 1003, 1)[0]["message"] == VOUCHER_MISSING
    assert sim.summary()["unitsIssued"] == 5
    sim.change_reward(1003, stock=6)
    assert codes(api, 1003, 2) == [200, 8003]


def test_a_vendor_fails_for_one_reward_with_any_code(api, sim):
    failure = {"code": 77, "message": "no", "partner_code": "9", "partner_message": "vendor down"}
    sim.change_reward(1003, failures=[failure])
    reply = api.issue(api.line(1003), api.line(1001))
    dead, good = reply["rewards"]
    assert (reply["status"]["code"], good["status"]["code"]) == (8010, 200)
    assert (dead["status"]["code"], dead["status"]["message"]) == (77, "no")
    assert dead["status"]["partnerError"] == {"codes": ["9"], "messages": ["vendor down"]}


def test_a_share_of_the_lines_fails_and_a_new_request_id_may_succeed(api, sim):
    sim.change_reward(1001, failures=[{"share": 0.3}])
    sim.switch(failed_replay="reprocess")
    first = {f"k{n}": api.issue(api.line(1001, key=f"k{n}"))["status"]["code"] for n in range(300)}
    failed = [key for key, code in first.items() if code != 200]
    assert 60 < len(failed) < 120
    assert api.issue(api.line(1001, key=failed[0]))["status"]["code"] != 200
    reissued = [
        api.issue(api.line(1001, key=f"{key}-2"))["status"]["code"] == 200 for key in failed
    ]
    assert 0.5 < sum(reissued) / len(failed) < 0.9


def test_lines_without_a_request_id_are_chosen_by_their_customer(api, sim):
    sim.change_reward(1001, failures=[{"share": 0.5}])
    line = {"rewardId": 1001, "quantity": 1}
    found = {api.issue(line, mobile=str(n))["rewards"][0]["status"]["code"] for n in range(30)}
    assert found == {200, 8003}


@pytest.mark.parametrize(
    "wrong",
    [{"stock": -1}, {"failures": [{"share": 2}]}, {"failures": [{"after": 3}]}],
)
def test_a_wrong_failure_is_refused(api, wrong):
    reply = api.client.post("/_rewards/1001", json=wrong)
    assert reply.status_code == 422
    assert next(iter(wrong)) in reply.json()["error"]


def moment(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("zone", "first", "last", "midnight"),
    [
        ("UTC", "2026-03-29 00:00:00", "2026-03-29 23:59:59", "2026-03-30 00:00:00"),
        ("Asia/Kolkata", "2026-03-29 00:00:00", "2026-03-29 23:59:59", "2026-03-30 00:00:00"),
        # This day has 23 hours, the next one 25.
        ("Europe/Berlin", "2026-03-29 00:00:00", "2026-03-29 23:59:59", "2026-03-30 00:00:00"),
        ("Europe/Berlin", "2026-10-25 00:00:00", "2026-10-25 23:59:59", "2026-10-26 00:00:00"),
    ],
)
def test_a_daily_limit_ends_at_the_midnight_of_the_brands_zone(
    api, sim, clock, *, zone, first, last, midnight
):
    sim.switch(timezone=zone)
    for at, code in ((first, 200), (last, 12005), (midnight, 200)):
        clock.now = moment(at, zone)
        assert api.issue(api.line(1006))["rewards"][0]["status"]["code"] == code, at


def test_an_account_of_the_catalogue_has_its_own_zone():
    midnight = moment("2026-11-30 00:00:00", "Asia/Kolkata")
    clock, catalogue = Clock(), replace(DEMO, timezone="Asia/Kolkata")
    with (
        Simulator(catalogue, clock=clock, timezone="America/New_York") as simulator,
        httpx.Client(base_url=simulator.url, headers=HEADERS) as client,
    ):
        api = Api(client)
        for at, code in ((midnight - 60, 200), (midnight - 1, 12005), (midnight, 200)):
            clock.now = at
            assert codes(api, 1006, 1) == [code], at


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(ValidationError, match="not an IANA time zone"):
        Switches().changed(timezone=name)


def test_what_was_used_up_is_restored_from_the_truth_file(tmp_path):
    path = tmp_path / "truth.jsonl"

    def run(reward, calls, *, mobile):
        with (
            Simulator(truth_file=path, clock=lambda: START) as simulator,
            httpx.Client(base_url=simulator.url, headers=HEADERS) as client,
        ):
            caller = Api(client)
            line = caller.line(reward, calls, key=f"{reward}-{mobile}")
            return caller.issue(line, mobile=mobile)["rewards"][0]["status"]["code"]

    assert run(1026, 60, mobile="1") == 200
    assert run(1026, 60, mobile="2") == 8010
    assert run(1026, 1, mobile="3") == 8003
    assert run(1025, 500, mobile="1") == 200
    assert run(1025, 1, mobile="2") == 8003
