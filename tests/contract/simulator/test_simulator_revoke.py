import pytest

from simulator.access import basic_header

REVOKE = "/api_gateway/rewards/core/v1/user/reward/revoke"


def revoke(api, till="demo.till", headers=None, **body):
    return api.client.post(REVOKE, params={"username": till}, json=body, headers=headers)


@pytest.fixture
def issued(api, sim):
    sim.switch(revoke_enable=True)
    return api.issue(api.line(1002, 2, "k"), mobile="919700000501")["rewards"][0]["transactionId"]


def test_a_revoked_transaction_is_cancelled_and_its_points_are_returned(api, sim, issued):
    reply = revoke(api, txnId=issued, revokedBy="asha", revokeReason="wrong blast").json()
    assert (reply["status"]["code"], reply["txnId"]) == (200, issued)
    assert (reply["state"], reply["userRewardCount"]) == ("CANCELLED", 2)
    assert (sim.truth("k")["issued"], sim.truth("k")["revoked"]) == (2, 2)
    summary = sim.summary()
    assert (summary["pointsCharged"], summary["pointsRefunded"]) == (20, 20)
    assert (summary["unitsRevoked"], summary["revokeCalls"]) == (2, 1)


def test_returned_points_can_be_spent_again(api, sim):
    sim.switch(revoke_enable=True)
    sim.put_customer(customer_id=10, mobile="10", points=10)
    transaction = api.issue(api.line(1002), mobile="10")["rewards"][0]["transactionId"]
    assert api.issue(api.line(1002), mobile="10")["status"]["code"] == 8004
    revoke(api, txnId=transaction)
    assert api.issue(api.line(1002), mobile="10")["status"]["code"] == 200


def test_a_transaction_can_be_revoked_only_once(api, issued):
    revoke(api, txnId=issued)
    again = revoke(api, txnId=issued).json()
    assert (again["status"]["code"], again["state"]) == (13003, "CANCELLED")


def test_a_transaction_without_a_unit_cannot_be_revoked(api, sim):
    sim.switch(revoke_enable=True)
    failed = api.issue(api.line(1005))["rewards"][0]["transactionId"]
    assert revoke(api, txnId=failed).json()["status"]["code"] == 10008


@pytest.mark.parametrize(
    ("body", "code"),
    [({"txnId": 1}, 10007), ({}, 400), ({"txnId": "x"}, 400), ({"txnId": True}, 400)],
)
def test_an_unknown_or_missing_transaction_is_refused(api, issued, body, code):
    assert revoke(api, **body).json()["status"]["code"] == code


def test_revoking_is_off_by_default_and_always_answers_200(api, sim):
    sim.switch(http_mode="openapi_400")
    transaction = api.issue(api.line(1001, 1, "k"))["rewards"][0]["transactionId"]
    reply = revoke(api, txnId=transaction)
    assert (reply.status_code, reply.json()["status"]["code"]) == (200, 13005)
    assert sim.truth("k")["revoked"] == 0


def test_another_organisations_transaction_cannot_be_revoked(api, issued):
    child = {"Authorization": basic_header("child.till", "demo")}
    assert (
        revoke(api, till="child.till", headers=child, txnId=issued).json()["status"]["code"]
        == 10007
    )


def test_a_revoke_needs_the_callers_own_till(api, issued):
    assert revoke(api, till="", txnId=issued).status_code == 403
    assert revoke(api, till="child.till", txnId=issued).status_code == 403


def test_a_revoke_can_be_made_to_fail_for_a_while(api, sim, issued):
    sim.faults(next=[{"fault": {"kind": "code", "code": 1018}, "path": "/revoke"}])
    assert [revoke(api, txnId=issued).json()["status"]["code"] for _ in range(2)] == [1018, 200]
