import pytest

PHONE = "919800000001"
POOR = {"mobile": "919700000502"}
GOLD = {"mobile": "919700000501"}


def codes(reply):
    entries = reply["rewards"]
    return reply["status"]["code"], [
        entry["status"]["code"] for entry in entries
    ] if entries else entries


def test_a_coupon_is_issued_in_the_documented_shape(api):
    reply = api.issue(
        api.line(1002, key="r-a"), eventLogId="blast", eventDateTime="2027-01-15T08:00:00Z"
    )
    entry = reply["rewards"][0]
    assert reply["status"] == {
        "success": True,
        "code": 200,
        "message": "Reward issued successfully",
    }
    assert (entry["rewardId"], entry["requestId"], entry["eventLogId"]) == (1002, "r-a", "blast")
    assert (entry["requestedQuantity"], entry["quantity"]) == (1, 1)
    assert isinstance(entry["transactionId"], int)
    assert entry["pointsReferenceIds"] == [entry["pointsReferenceId"]]
    assert entry["intouch"][0]["pointsRedeemed"] == "10"
    assert set(entry["intouch"][0]) == {
        "pointsRedeemed",
        "couponCode",
        "codeExpiry",
        "codeExpiryDateTime",
    }
    assert (entry["promotions"], entry["vendor"], entry["restrictions"]) == ([], [], None)


def test_each_kind_of_reward_has_its_own_field_for_vouchers(api):
    vendor, promotion = api.issue(api.line(1003), api.line(1004))["rewards"]
    assert (vendor["intouch"], vendor["promotions"], len(vendor["vendor"])) == (None, [], 1)
    assert vendor["vendor"][0]["voucher"]
    assert (promotion["intouch"], promotion["vendor"], len(promotion["promotions"])) == (
        None,
        [],
        1,
    )


def test_a_single_issue_answers_with_objects_instead_of_lists(api):
    reply = api.single(1002, requestId="s-1", eventLogId="blast").json()
    assert reply["status"]["code"] == 200
    assert reply["intouch"]["couponCode"]
    assert (reply["promotion"], reply["vendor"], reply["requestId"]) == (None, None, "s-1")
    assert not {"rewards", "quantity", "requestedQuantity"} & reply.keys()


def test_custom_fields_and_fulfilment_are_returned_as_sent(api):
    line = api.line(customFields={"size": "L"}, fulfillmentDetails={"status": "SHIPPED"})
    entry = api.issue(line)["rewards"][0]
    assert (entry["customFields"], entry["fulfillmentDetails"]) == (
        {"size": "L"},
        {"status": "SHIPPED"},
    )


@pytest.mark.parametrize(
    ("reward", "customer", "code", "message"),
    [
        (1005, PHONE, 8003, "Reward is disabled or not started yet or expired"),
        (1014, PHONE, 8003, "Reward is disabled or not started yet or expired"),
        (1015, PHONE, 8003, "Reward is disabled or not started yet or expired"),
        (1013, PHONE, 8003, "voucher is not present"),
        (1007, PHONE, 12034, "User Doesn't Belong To Segment Partition Defined For Reward Segment"),
        (1008, PHONE, 12050, "User has no valid cards from card series linked to the reward."),
    ],
)
def test_a_reward_that_cannot_be_issued_fails_alone_and_leaves_a_transaction(
    api, reward, customer, code, message
):
    reply = api.issue(api.line(reward), api.line(1001), mobile=customer)
    failed, issued = reply["rewards"]
    assert codes(reply) == (8010, [code, 200])
    assert message in failed["status"]["message"]
    assert (failed["quantity"], failed["intouch"], failed["vendor"]) == (0, None, [])
    assert isinstance(failed["transactionId"], int)
    assert issued["quantity"] == 1


@pytest.mark.parametrize("reward", [1005, 1007, 1008, 1013])
def test_a_call_whose_rewards_all_failed_is_8003_with_the_codes_inside(api, reward):
    reply = api.issue(api.line(reward))
    assert reply["status"]["code"] == 8003
    assert (
        reply["rewards"][0]["status"]["code"] == api.single(reward).json()["status"]["code"] >= 8003
    )


@pytest.mark.parametrize("reward", [1007, 1008])
def test_a_customer_in_the_segment_or_with_the_card_gets_the_restricted_reward(api, reward):
    assert codes(api.issue(api.line(reward), **GOLD)) == (200, [200])


@pytest.mark.parametrize(
    ("segments", "issued"),
    [
        (["s2:p1", "s3:p2"], {2, 4}),
        (["s1:p1"], {1, 3, 4}),
        ([], {4}),
    ],
)
def test_segments_follow_the_documents_table(api, sim, segments, issued):
    rules = {1: ["s1:p1", "s2:p2"], 2: ["s1:p2", "s2:p1"], 3: ["s1:p1", "s3:p1"], 4: []}
    for number, needed in rules.items():
        sim.change_reward(1000 + number, segments=needed, kind="coupon", enabled=True, points=0)
    sim.put_customer(customer_id=7, mobile="7", segments=segments)
    got = {
        number
        for number in rules
        if api.single(1000 + number, mobile="7").json()["status"]["success"]
    }
    assert got == issued


def test_too_few_points_refuse_the_whole_call_and_issue_nothing(api, sim):
    reply = api.issue(api.line(1001), api.line(1002), **POOR)
    assert (reply["status"]["code"], reply["rewards"]) == (8004, None)
    assert reply["status"]["partnerError"]["codes"] == ["828"]
    assert sim.summary()["unitsIssued"] == 0


def test_the_points_of_all_rewards_are_checked_before_any_is_issued(api, sim):
    sim.put_customer(customer_id=8, mobile="8", points=15)
    assert api.issue(api.line(1002), api.line(1002), mobile="8")["status"]["code"] == 8004
    assert codes(api.issue(api.line(1002), mobile="8")) == (200, [200])


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"brand": "UNKNOWN"}, 3004, "Brand not found"),
        ({"brand": None}, 400, "brand must not be null"),
        ({"transactionNumber": None}, 400, "transactionNumber must not be null"),
        ({"mobile": None}, 8004, "primary identifier is missing"),
        ({"rewards": []}, 400, "rewards must not be empty"),
        ({"rewards": None}, 400, "rewards must not be empty"),
        ({"rewards": ["x"]}, 400, "rewards must not be empty"),
        ({"rewards": [{"requestId": "a"}]}, 400, "rewardId must not be null"),
        ({"rewards": [{"rewardId": 424242}]}, 8003, "Reward is not found"),
        ({"rewards": [{"rewardId": "x"}]}, 8003, "Reward is not found"),
        ({"rewards": [{"rewardExternalId": "NONE"}]}, 6080, "external id is not valid"),
        ({"rewards": [{"rewardId": 1002, "rewardExternalId": "SKU-1001"}]}, 6082, "does not match"),
        ({"rewards": [{"rewardId": 1001, "quantity": 0}]}, 400, "quantity must be greater"),
        ({"rewards": [{"rewardId": 1001, "quantity": "many"}]}, 400, "quantity must be a number"),
        ({"rewards": [{"rewardId": 1001, "quantity": 5000}]}, 400, "quantity must be less"),
        (
            {"rewards": [{"rewardId": 1001, "paymentConfig": "x"}]},
            400,
            "paymentConfig must be an object",
        ),
        ({"rewards": [{"rewardId": 1001}] * 11}, 1060, "Batch limit exceeded"),
        ({"rewards": [{"rewardId": 1001, "requestId": "same"}] * 2}, 400, "Duplicate requestId"),
        ({"eventDateTime": "yesterday"}, 400, "eventDateTime must be in the format"),
        ({"eventDateTime": "2999-01-01T00:00:00Z"}, 400, "24 hours ahead"),
    ],
)
def test_an_invalid_request_is_refused_as_a_whole(api, sim, change, code, message):
    reply = api.issue(**change)
    assert (reply["status"]["code"], reply["rewards"]) == (code, None)
    assert message in reply["status"]["message"]
    assert sim.summary()["unitsIssued"] == 0


def test_a_body_that_is_not_json_is_a_bean_validation_refusal(api):
    headers = {"Content-Type": "application/json"}
    path = "/api_gateway/rewards/core/v1/user/rewards/issue?username=demo.till&skip_validation=true"
    reply = api.client.post(path, content=b"{", headers=headers).json()
    assert reply["status"] == {"success": False, "code": 400, "message": "Malformed JSON request"}


def test_a_refused_single_issue_has_the_single_shape(api):
    assert api.single(brand="UNKNOWN").json() == {
        "status": {"success": False, "code": 3004, "message": "Brand not found"},
        "intouch": None,
        "promotion": None,
        "vendor": None,
    }
    assert set(api.single(brand=None).json()) == {"status"}


def test_a_reward_is_found_by_its_external_id(api):
    reply = api.issue({"rewardExternalId": "SKU-1002", "requestId": "x"})
    assert reply["rewards"][0]["rewardId"] == 1002


@pytest.mark.parametrize(
    ("reward", "config", "code"),
    [
        (1010, {"id": 999}, 12016),
        (1010, None, 12035),
        (1010, {"redemptionValue": 3}, 12035),
    ],
)
def test_an_invalid_payment_config_fails_its_line_without_a_transaction(api, reward, config, code):
    reply = api.issue(api.line(reward, paymentConfig=config), api.line(1001))
    assert codes(reply) == (8010, [code, 200])
    assert not {"requestId", "transactionId", "quantity"} & reply["rewards"][0].keys()
    assert len(api.issuals()) == 1
    assert "transactionId" not in api.single(reward, paymentConfig=config).json()


def test_a_payment_config_without_an_id_is_refused(api):
    reply = api.issue(api.line(1002, paymentConfig={"note": "x"}))
    assert (
        reply["status"]["message"]
        == "Invalid payment mode passed.,Payment configuration id is mandatory"
    )


def test_the_chosen_payment_config_sets_the_price(api, sim):
    entry = api.issue(api.line(1010, 2, "k", paymentConfig={"id": 102}))["rewards"][0]
    assert entry["paymentConfig"] == {"paymentMode": "POINTS", "id": 102, "points": 50.0}
    assert sim.truth("k")["pointsCharged"] == 100


def test_a_used_up_limit_is_12005_with_the_documented_message(api):
    api.issue(api.line(1006))
    reply = api.issue(api.line(1006))
    assert codes(reply) == (8003, [12005])
    assert reply["rewards"][0]["status"]["message"] == (
        "Reward constraint evaluation failed. Request failed. Max limit for the DAYS is reached. "
        "Allowed limit is 1 For Level CUSTOMER"
    )


def test_a_limit_issues_only_the_units_that_fit_and_charges_only_those(api, sim):
    sim.change_reward(1002, customer_limit={"units": 2})
    reply = api.issue(api.line(1002, 3, "k"))
    entry = reply["rewards"][0]
    assert codes(reply) == (8010, [8010])
    assert (entry["requestedQuantity"], entry["quantity"], len(entry["intouch"])) == (3, 2, 2)
    assert sim.truth("k")["pointsCharged"] == 20


def test_a_reward_level_limit_counts_all_customers(api):
    for number in range(50):
        assert api.issue(api.line(1012), mobile=str(number))["status"]["code"] == 200
    assert (
        "For Level REWARD"
        in api.issue(api.line(1012), mobile="50")["rewards"][0]["status"]["message"]
    )


@pytest.mark.parametrize(
    ("period", "every", "days"),
    [("DAYS", 1, 1), ("DAYS", 3, 3), ("WEEKS", 1, 7), ("MONTHS", 1, 30)],
)
def test_a_limit_starts_again_with_its_next_window(api, sim, clock, *, period, every, days):
    sim.change_reward(1001, customer_limit={"units": 1, "period": period, "every": every})
    clock.now = 86_400.0 * days * 1_000
    assert api.issue()["status"]["code"] == 200
    clock.advance(86_400 * days - 1)
    assert codes(api.issue()) == (8003, [12005])
    clock.advance(1)
    assert api.issue()["status"]["code"] == 200


def test_a_limit_without_a_period_never_starts_again(api, sim, clock):
    sim.change_reward(1001, customer_limit={"units": 1, "period": "NO_LIMIT"})
    api.issue()
    clock.advance(86_400 * 1_000)
    assert codes(api.issue()) == (8003, [12005])


def test_one_customer_is_found_by_each_of_three_identifiers(api, sim):
    sim.change_reward(1001, customer_limit={"units": 1})
    assert api.issue(email="gold@example.test")["status"]["code"] == 200
    for same in (
        {"mobile": "919700000501"},
        {"externalId": "EXT-501"},
        {"emailId": "gold@example.test"},
    ):
        assert codes(api.issue(**same)) == (8003, [12005])
