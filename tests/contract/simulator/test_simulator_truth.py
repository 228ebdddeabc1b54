import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.catalogue import load_catalogue
from simulator.demo_catalogue import DEMO
from simulator.serve import Simulator


def test_the_truth_of_a_request_id_is_complete(api, sim):
    reply = api.issue(api.line(1002, 2, "k"), mobile="919700000501")["rewards"][0]
    assert sim.truth("k") == {
        "requestId": "k",
        "account": "default",
        "orgId": 4000,
        "transactionNumber": "blast-1",
        "bodyDigest": sim.truth("k")["bodyDigest"],
        "sent": None,
        "customer": "919700000501",
        "customerId": 501,
        "rewardId": 1002,
        "requested": 2,
        "issued": 2,
        "revoked": 0,
        "vouchers": tuple(voucher["couponCode"] for voucher in reply["intouch"]),
        "reversedVouchers": (),
        "transactionIds": (reply["transactionId"],),
        "groupId": None,
        "pointsCharged": 20,
        "cashCharged": 0,
        "calls": 1,
        "concurrentCalls": 0,
        "differingCalls": 0,
    }


def test_the_truth_is_served_as_json_as_lines_and_by_request_id(api):
    api.issue(api.line(1001, 1, "a"))
    api.issue(api.line(1001, 1, "b/c"))
    whole = api.client.get("/_truth").json()
    lines = api.client.get("/_truth", params={"format": "jsonl"}).text.splitlines()
    assert [json.loads(line) for line in lines] == whole["requests"]
    assert [entry["requestId"] for entry in whole["requests"]] == ["a", "b/c"]
    assert api.client.get("/_truth/b/c").json() == whole["requests"][1]
    assert api.client.get("/_truth/summary").json() == whole["summary"]
    assert api.client.get("/_truth/never").status_code == 404


def test_more_lines_than_one_batch_are_served(api):
    for number in range(60):
        api.issue(*(api.line() for _ in range(10)), mobile=str(number))
    assert len(api.client.get("/_truth", params={"format": "jsonl"}).text.splitlines()) == 600


def test_the_summary_counts_calls_by_their_http_status(api, sim):
    sim.faults(
        next=[{"fault": "503"}, {"fault": "reset_before"}, {"fault": "504_html_after_commit"}]
    )
    api.bulk(api.line())
    with pytest.raises(httpx.ReadError):
        api.bulk(api.line())
    api.bulk(api.line())
    api.bulk(api.line())
    summary = sim.summary()
    assert (summary["calls"], summary["requestIds"], summary["requestIdsIssued"]) == (4, 4, 2)
    assert summary["callsByHttpStatus"] == {"0": 1, "200": 1, "503": 1, "504": 1}


def test_the_truth_matches_the_replies_after_many_faults_and_resends(api, sim):
    sim.switch(hold_seconds=0.01)
    rates = dict.fromkeys(
        [
            "timeout_after_commit",
            "reset_before",
            "reset_after_commit",
            "504_html_after_commit",
            "503",
        ],
        0.08,
    )
    sim.faults(rates=rates | {"truncated_json_after_commit": 0.08, "empty_200": 0.08}, seed=1)
    seen = {}

    def resend_until_answered(number):
        line = api.line(1002, 2, f"k-{number}")
        while f"k-{number}" not in seen:
            try:
                seen[f"k-{number}"] = api.bulk(line, mobile=f"77{number % 10}").json()["rewards"][0]
            except (httpx.TransportError, json.JSONDecodeError, KeyError):
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(resend_until_answered, range(80)))
    summary = sim.summary()
    assert (summary["requestIds"], summary["unitsIssued"], summary["overIssued"]) == (80, 160, 0)
    assert summary["pointsCharged"] == 1600
    assert summary["calls"] > 100
    for key, entry in sim.truth().items():
        assert [voucher["couponCode"] for voucher in seen[key]["intouch"]] == list(
            entry["vouchers"]
        )


def test_a_second_request_id_for_the_same_customer_and_reward_is_counted(api, sim):
    api.issue(api.line(1001, 1, "first"), mobile="919700000501")
    api.issue(api.line(1002, 1, "other reward"), mobile="919700000501")
    assert (sim.summary()["pairs"], sim.summary()["pairsWithSeveralRequestIds"]) == (2, 0)
    api.issue(api.line(1001, 1, "second"), externalId="EXT-501")
    assert (sim.summary()["pairs"], sim.summary()["pairsWithSeveralRequestIds"]) == (2, 1)


def test_the_points_charged_equal_the_points_deducted(api, sim):
    sim.put_customer(customer_id=10, mobile="10", points=35)
    codes = [api.issue(api.line(1002), mobile="10")["status"]["code"] for _ in range(4)]
    assert codes == [200, 200, 200, 8004]
    assert sim.summary()["pointsCharged"] == 30


def test_a_reset_clears_calls_faults_and_changed_rewards_but_not_switches(api, sim):
    sim.switch(http_mode="openapi_400")
    sim.change_reward(1005, enabled=True)
    api.issue()
    sim.faults(next=[{"fault": "503"}])
    api.client.post("/_reset")
    assert sim.summary()["requestIds"] == 0
    reply = api.bulk(api.line(1005))
    assert (reply.status_code, reply.json()["rewards"][0]["status"]["code"]) == (400, 8003)


def test_rewards_and_customers_can_be_changed_through_the_admin_interface(api):
    assert api.client.post("/_rewards/1005", json={"enabled": True}).status_code == 200
    assert api.issue(api.line(1005))["status"]["code"] == 200
    api.client.post(
        "/_customers", json={"customer_id": 11, "mobile": "11", "segments": ["tier:gold"]}
    )
    assert api.issue(api.line(1007), mobile="11")["status"]["code"] == 200
    assert api.client.post("/_rewards/7", json={}).status_code == 404
    assert api.client.post("/_rewards/1005", json={"colour": "red"}).status_code == 422
    assert api.client.post("/_customers", content=b"{").status_code == 422


def test_every_unit_is_written_to_the_truth_file_at_once(tmp_path):
    path = tmp_path / "truth.jsonl"
    headers = {"Authorization": "Basic ZGVtby50aWxsOmZlMDFjZTJhN2ZiYWM4ZmFmYWVkN2M5ODJhMDRlMjI5"}
    query = {"username": "demo.till", "skip_validation": "true"}
    for number in range(2):
        with Simulator(truth_file=path) as simulator:
            line = {"rewardId": 1002, "quantity": 2, "requestId": f"k-{number}"}
            body = {"mobile": "1", "brand": "DEMO", "transactionNumber": "t-1", "rewards": [line]}
            url = f"{simulator.url}/api_gateway/rewards/core/v1/user/rewards/issue"
            httpx.post(url, params=query, json=body, headers=headers)
            events = [json.loads(text) for text in path.read_text().splitlines()]
            assert events[-1]["voucher"] == simulator.truth(f"k-{number}")["vouchers"][-1]
    assert [event["event"] for event in events] == ["start", "call", "issued", "issued"] * 2
    issued = [event for event in events if event["event"] == "issued"]
    assert len({event["voucher"] for event in issued}) == 4
    assert (issued[0]["requestId"], issued[0]["reference"], issued[0]["points"]) == (
        "k-0",
        "t-1",
        10,
    )


def test_a_catalogue_is_read_from_a_file_and_unknown_customers_can_be_refused(tmp_path, api):
    path = tmp_path / "catalogue.json"
    path.write_text(
        json.dumps(
            {
                "org_id": 1,
                "children": [],
                "brands": ["SHOP"],
                "tills": [{"username": "demo.till", "password": "demo", "org_id": 1}],
                "clients": [],
                "rewards": [
                    {"reward_id": 5, "name": "Tea", "brand": "SHOP", "customer_limit": {"units": 2}}
                ],
                "customers": [{"customer_id": 1, "mobile": "1"}],
                "auto_customers": False,
            }
        )
    )
    catalogue = load_catalogue(path)
    with Simulator(catalogue) as simulator:
        api.client.base_url = simulator.url
        assert api.issue(api.line(5, 3), brand="SHOP", mobile="1")["rewards"][0]["quantity"] == 2
        unknown = api.issue(api.line(5), brand="SHOP", mobile="2")
        assert unknown["status"]["message"] == "fail to issue reward as customer lookup failed"


def test_the_demo_catalogue_has_distinct_rewards():
    ids = [reward.reward_id for reward in DEMO.rewards]
    assert len(set(ids)) == len(ids)
