import time

import pytest
from pydantic import ValidationError

from simulator.switches import Switches, switches_from_environment


def coupons(entry):
    return [voucher["couponCode"] for voucher in entry["intouch"] or []]


@pytest.mark.parametrize(("mode", "refused"), [("always_200", 200), ("openapi_400", 400)])
def test_http_mode_decides_the_status_of_business_errors(api, sim, mode, refused):
    sim.switch(http_mode=mode)
    assert api.bulk(api.line()).status_code == 200
    assert api.bulk(api.line(), brand="UNKNOWN").status_code == refused
    assert api.bulk(api.line(), api.line(1005)).status_code == refused
    assert api.single(1005).status_code == refused


def test_a_completed_replay_can_be_refused(api, sim):
    sim.switch(completed_replay="duplicate_400")
    line = api.line(1001, 1, "k")
    api.issue(line)
    assert api.issue(line)["status"]["message"] == "Duplicate requestId"
    assert sim.truth("k")["issued"] == 1


def test_a_finished_request_id_next_to_an_unfinished_one_is_never_refused(api, sim):
    sim.switch(completed_replay="duplicate_400")
    lines = [api.line(1001, 1, "a"), api.line(1006, 2, "b")]
    assert api.issue(*lines)["status"]["code"] == 8010
    sim.change_reward(1006, customer_limit=None)
    assert api.issue(*lines)["status"]["code"] == 200
    assert api.issue(*lines)["status"]["code"] == 400


def test_a_completed_replay_can_omit_the_vouchers(api, sim):
    sim.switch(completed_replay="original_without_vouchers")
    line = api.line(1001, 2, "k")
    first, again = api.issue(line)["rewards"][0], api.issue(line)["rewards"][0]
    assert (len(first["intouch"]), again["intouch"], again["quantity"]) == (2, None, 2)
    assert again["transactionId"] == first["transactionId"]


def test_a_failed_replay_can_repeat_the_stored_failure(api, sim):
    sim.switch(failed_replay="stored_failure")
    line = api.line(1005, 1, "k")
    first = api.issue(line)
    sim.change_reward(1005, enabled=True)
    assert api.issue(line) == first


def test_a_failed_replay_can_repeat_the_stored_refusal(api, sim):
    sim.switch(failed_replay="stored_failure")
    line, customer = api.line(1002, 1, "k"), {"mobile": "919700000502"}
    first = api.issue(line, **customer)
    sim.put_customer(customer_id=502, points=100, **customer)
    assert first["status"]["code"] == 8004
    assert api.issue(line, **customer) == first


def test_a_failed_replay_can_be_processed_again(api, sim):
    sim.switch(failed_replay="reprocess")
    line = api.line(1005, 1, "k")
    assert api.issue(line)["rewards"][0]["status"]["code"] == 8003
    assert api.issue(line)["rewards"][0]["status"]["code"] == 8003
    sim.change_reward(1005, enabled=True)
    assert api.issue(line)["status"]["code"] == 200
    assert sim.truth("k")["issued"] == 1


@pytest.mark.parametrize(
    ("mode", "quantities", "same_transaction"),
    [("cumulative", [1, 1, 3], True), ("delta", [1, 0, 2], False)],
)
def test_replay_quantity_counts_all_units_or_only_new_ones(
    api, sim, mode, quantities, same_transaction
):
    sim.switch(replay_quantity=mode)
    line = api.line(1006, 3, "k")
    replies = [api.issue(line), api.issue(line)]
    sim.change_reward(1006, customer_limit=None)
    replies.append(api.issue(line))
    entries = [reply["rewards"][0] for reply in replies]
    assert [entry["quantity"] for entry in entries] == quantities
    assert [len(coupons(entry)) for entry in entries] == quantities
    assert [reply["status"]["code"] for reply in replies] == [8010, 8010, 200]
    assert (entries[0]["transactionId"] == entries[2]["transactionId"]) is same_transaction
    assert (sim.truth("k")["issued"], sim.truth("k")["calls"]) == (3, 3)


def test_a_switch_delays_what_reads_see(api, sim, clock):
    sim.switch(read_lag_seconds=30)
    transaction = api.issue()["rewards"][0]["transactionId"]
    clock.advance(29)
    assert api.issuals() == []
    assert api.details(transaction)["status"][0]["code"] == 6004
    clock.advance(1)
    assert len(api.issuals()) == 1
    assert api.details(transaction)["data"]["quantity"] == 1


def test_a_lagging_read_sees_only_the_units_of_its_time(api, sim, clock):
    sim.switch(read_lag_seconds=30)
    line = api.line(1006, 2, "k")
    transaction = api.issue(line)["rewards"][0]["transactionId"]
    clock.advance(30)
    sim.change_reward(1006, customer_limit=None)
    api.issue(line)
    lagging = api.details(transaction)["data"]
    assert (lagging["quantity"], lagging["status"]["code"]) == (1, 8010)
    clock.advance(30)
    current = api.details(transaction)["data"]
    assert (current["quantity"], current["status"]["code"]) == (2, 200)


def test_latency_varies_around_the_switch(api, sim):
    sim.switch(latency_seconds=0.05)
    started = time.monotonic()
    api.issue()
    assert 0.04 <= time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("anomaly", "lines", "top", "inner"),
    [
        ("issued_as_partial", [1001, 1002], 8010, [200, 200]),
        ("partial_as_issued", [1001, 1005], 200, [200, 8003]),
        ("quantity_overstated", [1001], 200, [8010]),
    ],
)
def test_the_documents_contradictions_can_be_switched_on(api, sim, *, anomaly, lines, top, inner):
    sim.switch(toplevel_anomaly=anomaly)
    reply = api.issue(*map(api.line, lines))
    assert (reply["status"]["code"], [entry["status"]["code"] for entry in reply["rewards"]]) == (
        top,
        inner,
    )
    assert sim.summary()["overIssued"] == 0


def test_two_rewards_can_share_a_transaction_id(api, sim):
    sim.switch(toplevel_anomaly="transaction_shared")
    first, second = api.issue(api.line(), api.line())["rewards"]
    assert first["transactionId"] == second["transactionId"]


def test_a_switch_sets_the_largest_bulk_call(api, sim):
    sim.switch(max_rewards=1)
    assert api.issue(api.line(), api.line())["status"]["code"] == 1060


def test_switches_come_from_the_environment():
    environment = {
        "SIMULATOR_HTTP_MODE": "openapi_400",
        "SIMULATOR_READ_LAG_SECONDS": "1.5",
        "SIMULATOR_REVOKE_ENABLE": "true",
        "SIMULATOR_UNTIDINESS": "0.1",
        "SIMULATOR_REVERSED_VOUCHER": "shown",
        "OTHER": "x",
    }
    expected = Switches(
        http_mode="openapi_400",
        read_lag_seconds=1.5,
        revoke_enable=True,
        untidiness=0.1,
        reversed_voucher="shown",
    )
    assert switches_from_environment(environment) == expected


def test_switches_can_be_changed_through_the_admin_interface(api):
    reply = api.client.post("/_switches", json={"http_mode": "openapi_400"})
    assert (reply.status_code, reply.json()["http_mode"]) == (200, "openapi_400")
    assert api.client.get("/_switches").json() == reply.json()
    assert api.bulk(api.line(), brand="UNKNOWN").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"http_mode": "sometimes"}, {"speed": 1}, {"latency_seconds": -1}, {"untidiness": 1.5}],
)
def test_the_error_names_an_invalid_switch(api, wrong):
    reply = api.client.post("/_switches", json=wrong)
    assert reply.status_code == 422
    assert next(iter(wrong)) in reply.json()["error"]
    with pytest.raises(ValidationError):
        Switches().changed(**wrong)
