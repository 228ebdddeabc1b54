import pytest


def units(reply):
    return [entry["quantity"] for entry in reply["rewards"]]


def coupons(entry):
    return [voucher["couponCode"] for voucher in entry["intouch"] or []]


@pytest.fixture
def two_rewards(api, sim):
    """The documents' example: R1 costs 5, R2 costs 10; two of each requested, one allowed."""
    sim.change_reward(1001, points=5, customer_limit={"units": 1})
    sim.change_reward(1002, points=10, customer_limit={"units": 1})
    return [api.line(1001, 2, "r1"), api.line(1002, 2, "r2")]


def test_the_documents_example_issues_the_missing_units_and_charges_thirty_points(
    api, sim, two_rewards
):
    first = api.issue(*two_rewards)
    assert (first["status"]["message"], units(first)) == ("Reward issued partially", [1, 1])
    sim.change_reward(1002, customer_limit=None)
    second = api.issue(*two_rewards)
    assert (second["status"]["message"], units(second)) == ("Reward issued partially", [1, 2])
    sim.change_reward(1001, customer_limit=None)
    third = api.issue(*two_rewards)
    assert (third["status"]["message"], units(third)) == ("Reward issued successfully", [2, 2])
    assert coupons(third["rewards"][1]) == coupons(second["rewards"][1])
    assert sim.summary()["pointsCharged"] == 30
    assert sim.summary()["overIssued"] == 0


def test_a_repeated_call_gets_the_first_reply_again_and_issues_nothing(api, sim):
    line = api.line(1002, 2, "k")
    assert api.issue(line) == api.issue(line) == api.issue(line)
    assert (sim.truth("k")["issued"], sim.truth("k")["pointsCharged"], sim.truth("k")["calls"]) == (
        2,
        20,
        3,
    )


def test_a_repeated_single_issue_gets_the_first_reply_again(api, sim):
    first = api.single(1002, requestId="k").json()
    assert api.single(1002, requestId="k").json() == first
    assert sim.truth("k")["issued"] == 1


def test_without_a_request_id_a_repeated_call_issues_again(api, sim):
    for _ in range(2):
        api.issue({"rewardId": 1001, "quantity": 1})
    assert sim.summary()["unitsWithoutRequestId"] == sim.summary()["unitsIssued"] == 2


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": 3},
        {"rewardId": 1002},
        {"customFields": {"size": "b"}},
    ],
)
def test_another_payload_under_a_known_request_id_is_10003(api, sim, other):
    line = api.line(1001, 1, "k")
    api.issue(line)
    assert api.issue(line | other)["status"]["code"] == 10003
    assert sim.truth("k")["issued"] == 1


def test_a_request_id_is_unique_across_customers(api, sim):
    line = api.line(1001, 1, "k")
    api.issue(line, mobile="1")
    assert api.issue(line, mobile="2")["status"]["code"] == 10003
    assert (sim.truth("k")["customer"], sim.truth("k")["issued"]) == ("1", 1)


def test_leaving_out_or_adding_a_line_is_10003(api):
    both = [api.line(1001, 1, "a"), api.line(1002, 1, "b")]
    api.issue(*both)
    assert api.issue(both[0])["status"]["code"] == 10003
    assert api.issue(*both, api.line(1003, 1, "c"))["status"]["code"] == 10003


def test_a_request_id_of_the_bulk_endpoint_is_refused_by_the_single_one(api):
    api.issue(api.line(1001, 1, "k"))
    assert api.single(1001, requestId="k").json()["status"]["code"] == 10003


def test_fields_outside_the_reward_elements_may_change(api, sim):
    line = api.line(1001, 1, "k")
    api.issue(line, notes="a")
    assert api.issue(line, notes="b")["status"]["code"] == 200
    assert sim.truth("k")["issued"] == 1


def test_a_failed_request_id_cannot_be_used_again(api, sim):
    line = api.line(1005, 1, "k")
    api.issue(line)
    sim.change_reward(1005, enabled=True)
    assert api.issue(line)["status"] == {
        "success": False,
        "code": 400,
        "message": "Duplicate requestId",
    }
    assert api.issue(line | {"requestId": "k-again"})["status"]["code"] == 200


def test_a_request_id_refused_for_points_cannot_be_used_again(api, sim):
    line, customer = api.line(1002, 1, "k"), {"mobile": "919700000502"}
    assert api.issue(line, **customer)["status"]["code"] == 8004
    sim.put_customer(customer_id=502, points=100, **customer)
    assert api.issue(line, **customer)["status"]["message"] == "Duplicate requestId"


def test_a_request_id_refused_by_validation_can_be_used_again(api):
    line = api.line(1001, 1, "k")
    assert api.issue(line, brand="UNKNOWN")["status"]["code"] == 3004
    assert api.issue(line)["status"]["code"] == 200


def test_a_failed_reward_of_a_partial_call_is_retried_under_the_same_request_ids(api, sim):
    lines = [api.line(1001, 1, "a"), api.line(1005, 1, "b")]
    assert api.issue(*lines)["status"]["code"] == 8010
    sim.change_reward(1005, enabled=True)
    reply = api.issue(*lines)
    assert (reply["status"]["code"], units(reply)) == (200, [1, 1])
    assert sim.summary()["unitsIssued"] == 2


def test_a_partial_event_refused_for_points_stays_partial(api, sim):
    sim.put_customer(customer_id=9, mobile="9", points=20)
    sim.change_reward(1002, customer_limit={"units": 1})
    line = api.line(1002, 2, "k")
    assert api.issue(line, mobile="9")["status"]["code"] == 8010
    sim.change_reward(1002, customer_limit=None, points=30)
    assert api.issue(line, mobile="9")["status"]["code"] == 8004
    sim.change_reward(1002, points=10)
    assert units(api.issue(line, mobile="9")) == [2]
