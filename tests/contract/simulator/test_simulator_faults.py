import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.app import create_app
from simulator.demo_catalogue import DEMO_WITHOUT_MAGIC
from simulator.faults import Faults, read_plan
from simulator.serve import Simulator

BULK = "/api_gateway/rewards/core/v1/user/rewards/issue?username=demo.till&skip_validation=true"
NO_ANSWER = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.mark.parametrize(
    ("fault", "http_status", "start"),
    [
        ("429", 429, "<html>"),
        ("500_html", 500, "<html>"),
        ("502_html", 502, "<html>"),
        ("503", 503, "authorization status unavailable"),
        ("401", 401, '{"data":null,"errors":[{"code":401'),
        ("521", 200, '{"status":{"success":false,"code":521,'),
        ("empty_200", 200, ""),
        (
            {"kind": "code", "code": 77001, "message": "Odd"},
            200,
            '{"status":{"success":false,"code":77001,',
        ),
        (
            {"kind": "code", "code": 3004},
            200,
            '{"status":{"success":false,"code":3004,"message":"Brand not',
        ),
    ],
)
def test_a_fault_before_processing_leaves_the_key_unused(api, sim, fault, http_status, start):
    sim.faults(next=[{"fault": fault}])
    line = api.line(1001, 1, "k")
    reply = api.bulk(line)
    assert reply.status_code == http_status
    assert reply.text.startswith(start)
    assert bool(reply.text) == bool(start)
    assert "x-cap-requestid" in reply.headers
    assert sim.truth("k")["issued"] == 0
    assert api.issue(line)["status"]["code"] == 200
    assert (sim.truth("k")["issued"], sim.truth("k")["calls"]) == (1, 2)


def test_429_has_a_retry_after_header_only_if_the_fault_sets_one(api, sim):
    sim.faults(next=[{"fault": {"kind": "429", "retry_after_seconds": 7}}, {"fault": "429"}])
    assert api.bulk(api.line()).headers["retry-after"] == "7"
    assert "retry-after" not in api.bulk(api.line()).headers


@pytest.mark.parametrize(
    ("fault", "issued"),
    [
        ("reset_before", 0),
        ("reset_after_commit", 1),
        ({"kind": "timeout_after_commit", "hold_seconds": 0.05}, 1),
        ("truncated_json_after_commit", 1),
    ],
)
def test_a_broken_connection_hides_whether_the_reward_was_issued(api, sim, fault, issued):
    sim.faults(next=[{"fault": fault}])
    line = api.line(1001, 1, "k")
    with pytest.raises(NO_ANSWER):
        api.bulk(line)
    assert sim.truth("k")["issued"] == issued
    reply = api.issue(line)
    assert (reply["status"]["code"], sim.truth("k")["issued"]) == (200, 1)
    assert reply["rewards"][0]["intouch"][0]["couponCode"] == sim.truth("k")["vouchers"][0]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after_commit"])
def test_a_reset_is_a_real_tcp_reset(api, sim, kind):
    sim.faults(next=[{"fault": kind}])
    request = api.client.build_request("POST", BULK, json={})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    host, port = sim.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"POST {BULK} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        with pytest.raises(ConnectionResetError):
            connection.recv(1024)


def test_an_html_504_can_hide_an_issued_reward(api, sim):
    sim.faults(next=[{"fault": "504_html_after_commit"}])
    assert api.bulk(api.line(1001, 1, "k")).status_code == 504
    assert sim.truth("k")["issued"] == 1


def test_a_reply_is_delayed_by_the_switch_unless_the_fault_sets_its_own_delay(api, sim):
    sim.switch(hold_seconds=0.2)
    sim.faults(next=[{"fault": "timeout_after_commit"}])
    started = time.monotonic()
    with pytest.raises(NO_ANSWER):
        api.bulk(api.line())
    assert 0.15 < time.monotonic() - started < 5


def test_a_caller_that_disconnects_releases_the_delayed_reply_and_the_customer(api, sim):
    sim.faults(next=[{"fault": "timeout_after_commit"}])
    line = api.line(1001, 1, "k")
    with pytest.raises(httpx.ReadTimeout):
        api.client.post(
            BULK,
            json={
                "mobile": "919800000001",
                "brand": "DEMO",
                "transactionNumber": "blast-1",
                "rewards": [line],
            },
            timeout=0.2,
        )
    assert api.issue(line)["status"]["code"] == 200
    assert (sim.truth("k")["issued"], sim.truth("k")["calls"]) == (1, 2)


def test_latency_delays_one_call_and_locks_its_customer(api, sim):
    sim.faults(next=[{"fault": {"kind": "latency", "seconds": 0.4}}])
    slow, fast = api.line(1001, 1, "slow"), api.line(1001, 1, "fast")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(api.issue, slow)
        while not sim.truth("slow"):
            time.sleep(0.01)
        refused, other = api.issue(fast), api.issue(api.line(), mobile="2")
        assert pending.result()["status"]["code"] == 200
    assert (refused["status"]["code"], refused["rewards"]) == (10004, None)
    assert other["status"]["code"] == 200
    assert (sim.truth("fast")["concurrentCalls"], sim.summary()["concurrentCalls"]) == (1, 1)
    assert api.issue(fast)["status"]["code"] == 200


def test_two_identifiers_of_one_customer_collide(api, sim):
    sim.faults(next=[{"fault": {"kind": "latency", "seconds": 0.4}}])
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(api.issue, api.line(1001, 1, "slow"), mobile="919700000501")
        while not sim.truth("slow"):
            time.sleep(0.01)
        assert api.issue(externalId="EXT-501")["status"]["code"] == 10004
        assert pending.result()["status"]["code"] == 200


def test_customers_use_up_their_faults_one_per_call(api, sim):
    sim.faults(customers={"5": ["503", "502_html"], "gold@example.test": ["429"]})
    assert [api.bulk(api.line(), mobile="5").status_code for _ in range(3)] == [503, 502, 200]
    assert [api.bulk(api.line(), email="gold@example.test").status_code for _ in range(2)] == [
        429,
        200,
    ]
    assert api.bulk(api.line(), mobile="6").status_code == 200


def test_a_fault_for_a_path_meets_only_that_path(api, sim):
    sim.faults(next=[{"fault": "503", "count": 2, "path": "/v2/customers/lookup"}])
    assert api.bulk(api.line()).status_code == 200
    lookup = "/v2/customers/lookup?identifierName=mobile&identifierValue=919800000001"
    assert [api.client.get(lookup).status_code for _ in range(3)] == [503, 503, 200]


def test_a_fault_without_a_path_meets_only_issue_calls(api, sim):
    api.issue()
    sim.faults(next=[{"fault": "503", "count": 2}])
    assert len(api.issuals()) == 1
    assert [api.bulk(api.line()).status_code for _ in range(3)] == [503, 503, 200]


def test_the_token_endpoint_can_be_made_to_fail(api, sim):
    sim.faults(next=[{"fault": "500_html", "path": "/oauth/"}])
    path, body = "/v3/oauth/token/generate", {"key": "demo-key", "secret": "demo-secret"}
    assert [httpx.post(sim.url + path, json=body).status_code for _ in range(2)] == [500, 200]


def test_rates_are_reproducible_by_their_seed(api, sim):
    def statuses():
        sim.faults(rates={"503": 0.3, "502_html": 0.2}, seed=5)
        return [api.bulk(api.line()).status_code for _ in range(60)]

    first = statuses()
    assert {200, 502, 503} == set(first)
    assert statuses() == first


def test_rates_are_met_over_many_calls():
    faults = Faults(magic=False)
    faults.add(read_plan({"rates": {"503": 0.02, "timeout_after_commit": 0.05}}))
    kinds = [
        fault.kind
        for _ in range(20_000)
        if (fault := faults.choose("/issue", "1", "default", issuing=True))
    ]
    assert abs(kinds.count("503") / 20_000 - 0.02) < 0.005
    assert abs(kinds.count("timeout_after_commit") / 20_000 - 0.05) < 0.008


def test_faults_are_planned_listed_and_cleared_through_the_admin_interface(api):
    plan = {
        "next": [{"fault": "503", "count": 2}],
        "customers": {"5": ["429"]},
        "accounts": {"shop": "503"},
        "rates": {"401": 0.5},
    }
    shown = api.client.post("/_faults", json=plan).json()
    assert shown == {
        "next": [{"kind": "503", "path": None, "count": 2}],
        "customers": {"5": ["429"]},
        "accounts": {"shop": "503"},
        "rates": {"401": 0.5},
    }
    assert api.client.get("/_faults").json() == shown
    nothing = {"next": [], "customers": {}, "accounts": {}, "rates": {}}
    assert api.client.delete("/_faults").json() == nothing
    assert api.bulk(api.line(), mobile="5").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"next": [{"fault": "earthquake"}]},
        {"rates": {"503": 2}},
        {"fault": "503"},
        {"next": [{"fault": "503", "count": 0}]},
    ],
)
def test_an_invalid_plan_is_refused(api, wrong):
    assert api.client.post("/_faults", json=wrong).status_code == 422


@pytest.mark.parametrize(
    ("suffix", "seen"),
    [
        ("9001", [0, 200]),
        ("9002", [502, 200]),
        ("9003", [429, 200]),
        ("9004", [0, 200]),
        ("9005", [503, 503, 503, 200]),
        ("9006", [0, 200]),
        ("9007", [0, 200]),
        ("9009", [521, 200]),
        ("9010", [401, 200]),
        ("9011", [10004, 200]),
        ("9101", [8010, 200]),
        ("9107", [3004, 200]),
        ("9108", [77001, 200]),
        ("9109", [504, 504, 504]),
    ],
)
def test_a_magic_customer_meets_its_fault_and_then_none(api, sim, suffix, seen):
    sim.switch(hold_seconds=0.05)
    line = api.line(1001, 2, "k")

    def outcome():
        try:
            reply = api.bulk(line, mobile=f"91980000{suffix}")
        except NO_ANSWER:
            return 0
        if reply.headers["content-type"] == "application/json" and reply.status_code == 200:
            return reply.json()["status"]["code"]
        return reply.status_code

    assert [outcome() for _ in seen] == seen
    assert (sim.truth("k")["issued"], sim.truth("k")["requested"]) == (2, 2)


@pytest.mark.parametrize(
    ("suffix", "code", "inner"),
    [
        ("9102", 8003, 8003),
        ("9103", 8004, None),
        ("9104", 8003, 12005),
        ("9105", 8003, 12034),
        ("9106", 8003, 12050),
        ("9110", 8003, 8003),
        ("9111", 8003, 1010),
    ],
)
def test_a_magic_refusal_is_recorded_and_uses_up_its_request_id(api, sim, suffix, code, inner):
    customer, line = {"email": f"someone{suffix}@example.test"}, api.line(1002, 1, "k")
    reply = api.issue(line, **customer)
    assert reply["status"]["code"] == code
    assert (reply["rewards"][0]["status"]["code"] if reply["rewards"] else None) == inner
    assert sim.truth("k")["issued"] == 0
    assert api.issue(line, **customer)["status"]["message"] == "Duplicate requestId"
    assert api.issue(api.line(1002, 1, "k2"), **customer)["status"]["code"] == 200
    assert sim.summary()["pointsCharged"] == 10


def test_an_empty_reply_is_magic_too(api):
    assert api.bulk(api.line(), mobile="919800009008").content == b""


def test_magic_customers_can_be_turned_off():
    with Simulator(DEMO_WITHOUT_MAGIC) as plain:
        headers = {
            "Authorization": "Basic ZGVtby50aWxsOmZlMDFjZTJhN2ZiYWM4ZmFmYWVkN2M5ODJhMDRlMjI5"
        }
        body = {
            "mobile": "919800009102",
            "brand": "DEMO",
            "transactionNumber": "t",
            "rewards": [{"rewardId": 1001}],
        }
        reply = httpx.post(plain.url + BULK, json=body, headers=headers)
    assert reply.json()["status"]["code"] == 200


async def test_a_cut_connection_is_an_exception_when_there_is_no_socket():
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        await client.post("/_faults", json={"next": [{"fault": "reset_before", "path": "/v3/"}]})
        with pytest.raises(ConnectionResetError):
            await client.post("/v3/oauth/token/generate", json={})
