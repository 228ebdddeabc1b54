"""Groups, the points step and rewards without a voucher."""

import json

import pytest

CORE = "/api_gateway/rewards/core"
POOR = {"mobile": "919700000502"}


@pytest.mark.parametrize(
    "group",
    [
        {"user_group2_id": 601},
        {"userGroup2Id": "601"},
        {"user_group2_primary_user_id": 501},
        {"userGroup2PrimaryUserId": "501"},
        {"user_group2_external_id": "FAM-601"},
        {"userGroup2ExternalId": "FAM-601"},
    ],
)
def test_a_groups_points_pay_for_a_member_with_too_few(api, group):
    assert api.issue(api.line(1002), **POOR)["status"]["code"] == 8004
    entry = api.issue(api.line(1002), **POOR, **group)["rewards"][0]
    assert entry["status"]["code"] == 200
    assert api.details(entry["transactionId"], **POOR)["data"]["groupRedemption"] is True


def test_a_null_group_is_ignored(api):
    entry = api.issue(api.line(1001), **POOR, user_group2_id=None)["rewards"][0]
    assert api.details(entry["transactionId"], **POOR)["data"]["groupRedemption"] is False


@pytest.mark.parametrize(
    ("customer", "group", "partner", "text"),
    [
        ("919800000001", 601, "1620", "does not belong to group 601"),
        ("919700000501", 999, "1632", "group id/externalId/primary userId 999 passed is not valid"),
    ],
)
def test_a_wrong_group_is_refused_with_its_partner_code_and_the_request_id_stays_usable(
    api, customer, group, partner, text
):
    line = api.line(1001, 1, "k")
    status = api.issue(line, mobile=customer, user_group2_id=group)["status"]
    assert (status["code"], status["partnerError"]["codes"]) == (8004, [partner])
    assert text in status["partnerError"]["messages"][0]
    assert api.issue(line, mobile=customer)["status"]["code"] == 200


def test_a_request_id_is_bound_to_its_group(api):
    line = api.line(1001, 1, "k")
    api.issue(line, mobile="919700000501")
    assert api.issue(line, mobile="919700000501", user_group2_id=601)["status"]["code"] == 10003


@pytest.mark.parametrize(("mode", "shown"), [("hidden", 0), ("shown", 2)])
def test_a_failed_points_step_reverses_what_was_issued(api, sim, mode, shown):
    sim.switch(reversed_voucher=mode, failed_replay="stored_failure")
    sim.faults(next=[{"fault": {"kind": "outcome", "code": 1010}}])
    line = api.line(1002, 2, "k")
    entry = api.issue(line)["rewards"][0]
    assert (entry["status"]["code"], entry["quantity"], len(entry["intouch"] or [])) == (
        1010,
        0,
        shown,
    )
    truth = sim.truth("k")
    assert (truth["issued"], truth["pointsCharged"], len(truth["reversedVouchers"])) == (0, 0, 2)
    if shown:
        assert [voucher["couponCode"] for voucher in entry["intouch"]] == list(
            truth["reversedVouchers"]
        )
    data = api.details(entry["transactionId"])["data"]
    assert (data["status"]["code"], data["quantity"], data["vouchers"]) == (1010, 0, [])
    assert api.issue(line)["rewards"][0]["intouch"] is None


def test_a_single_issue_can_show_a_reversed_voucher_too(api, sim):
    sim.switch(reversed_voucher="shown")
    sim.faults(next=[{"fault": {"kind": "outcome", "code": 1010}}])
    reply = api.single(1001, requestId="k").json()
    assert (reply["status"]["code"], reply["intouch"]["couponCode"]) == (
        1010,
        sim.truth("k")["reversedVouchers"][0],
    )


def test_points_are_checked_for_all_rewards_before_any_fails_on_its_own(api, sim):
    sim.change_reward(1007, points=10)
    sim.put_customer(customer_id=10, mobile="10", points=15)
    refused = api.issue(api.line(1007), api.line(1002), mobile="10")
    assert (refused["status"]["code"], refused["rewards"]) == (8004, None)
    sim.put_customer(customer_id=10, mobile="10", points=20)
    failed, issued = api.issue(api.line(1007), api.line(1002), mobile="10")["rewards"]
    assert (failed["status"]["code"], issued["status"]["code"], sim.summary()["pointsCharged"]) == (
        12034,
        200,
        10,
    )


def test_a_vendors_reward_is_issued_without_a_voucher_in_its_context_map(api, sim):
    entry = api.issue(api.line(1017, 2, "k"))["rewards"][0]
    assert (entry["status"]["code"], entry["quantity"], entry["vendor"]) == (200, 2, [{}, {}])
    assert api.single(1017).json()["vendor"] == {}
    data = api.details(entry["transactionId"])["data"]
    assert [json.loads(reward["json"]) for reward in data["vendorRewards"]["rewards"]] == [{}, {}]
    assert (
        sim.truth("k")["issued"],
        sim.truth("k")["vouchers"],
        sim.truth("k")["pointsCharged"],
    ) == (2, (), 20)
    assert sim.summary()["unitsIssued"] == 3
