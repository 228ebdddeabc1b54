"""What the documents' issue answers show of a line is kept; their values are made up."""

import json

import pytest

from issuance.details.details import Details, Unit, UnitKind
from issuance.endpoint import Variant
from issuance.job import Line
from issuance.replies.classification import classify
from issuance.replies.reply import Answer

OK = {"success": True, "code": 200, "message": "Reward issued successfully"}
EMPTY = {"intouch": None, "promotion": None, "vendor": None}
MILES = {"redemptionType": "MILES", "totalRedemptionValue": 1}
RATIO = {"paymentMode": "CONV_RATIO", "id": 54, "conversionRatio": 0.5}


def judged(variant, answer, *lines):
    body = json.dumps(answer).encode()
    return classify(lines, variant, Answer(200, body), resent=False).lines


def connected(org_id):
    """The answer of the page on connected organisations, in both scopes."""
    vendor = {
        "valid_till": "2027-11-01",
        "voucher": "VO4GJYQ",
        "pointsRedeemed": "2",
        "offer_name": "test offer",
        "coupon_series_id": "234",
    }
    reward = {
        "status": OK,
        "orgId": org_id,
        "transactionId": 57001,
        "rewardId": 350,
        "requestedQuantity": 1,
        "quantity": 1,
        "pointsReferenceId": "7Scaq1",
        "pointsReferenceIds": ["7Scaq1"],
        "eventLogId": None,
        "requestId": None,
        "intouch": None,
        "promotions": [],
        "vendor": [vendor],
        "restrictions": None,
        "paymentConfig": RATIO,
        "fulfillmentDetails": None,
        "customFields": None,
        "redemptionDetails": MILES,
    }
    return {"status": OK, "rewards": [reward]}


@pytest.mark.parametrize("org_id", [4004543, 4000085])
def test_the_connected_sample_keeps_vendor_payment_and_redemption(org_id):
    [line] = judged(Variant.CONNECTED, connected(org_id), Line("r-1", 350, org_id=org_id))
    shown = {
        "valid_till": "2027-11-01",
        "pointsRedeemed": "2",
        "offer_name": "test offer",
        "coupon_series_id": "234",
    }
    assert line.details == Details(
        fields={"paymentConfig": RATIO, "redemptionDetails": MILES},
        units=(Unit(UnitKind.VENDOR, "VO4GJYQ", shown),),
        points=2_000,
    )
    assert (line.points_references, line.vouchers, line.anomalies) == (
        ("7Scaq1",),
        ("VO4GJYQ",),
        (),
    )


@pytest.mark.parametrize("spelling", ["orgId", "orgID"])
def test_an_organisation_that_the_row_does_not_name_is_kept(spelling):
    answer = connected(None)
    answer["rewards"][0][spelling] = 4000085
    [line] = judged(Variant.BULK, answer, Line("r-1", 350))
    assert line.details.fields["orgId"] == 4000085


def test_another_organisation_than_the_rows_is_an_anomaly():
    [line] = judged(Variant.CONNECTED, connected(4000085), Line("r-1", 350, org_id=4000086))
    assert line.details.fields["orgId"] == 4000085
    assert "other_organisation" in line.anomalies


def test_the_reward_of_an_external_id_is_resolved():
    line = Line("r-1", 0, org_id=4000085, reward_external_id="SKU-9")
    [found] = judged(Variant.CONNECTED, connected(4000085), line)
    assert found.details.fields["rewardId"] == 350


SINGLE_COUPON = {
    "status": OK,
    "intouch": {
        "pointsRedeemed": "10",
        "couponCode": "9000000001",
        "codeExpiry": "2027-12-13 00:00:00",
    },
    "transactionId": 300001,
    "promotion": None,
    "vendor": None,
    "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 50.0},
    "redemptionDetails": {"redemptionType": "MILES", "redemptionValue": 2},
    "fulfillmentDetails": None,
    "customFields": None,
    "eventLogId": "eventLogId124",
    "requestId": "r-1",
}


def test_the_single_sample_keeps_points_expiry_payment_and_value():
    [line] = judged(Variant.SINGLE, SINGLE_COUPON, Line("r-1", 2001))
    expiry = {"pointsRedeemed": "10", "codeExpiry": "2027-12-13 00:00:00"}
    assert line.details == Details(
        fields={
            "paymentConfig": SINGLE_COUPON["paymentConfig"],
            "redemptionDetails": SINGLE_COUPON["redemptionDetails"],
        },
        units=(Unit(UnitKind.COUPON, "9000000001", expiry),),
        points=10_000,
    )


def test_the_single_sample_with_an_empty_vendor_has_no_unit():
    config = {"paymentMode": "CONV_RATIO", "id": 3799, "conversionRatio": 0.33}
    value = {"redemptionType": "MILES", "totalRedemptionValue": 1000}
    answer = {"status": OK, **EMPTY, "vendor": {}, "transactionId": 330001}
    answer |= {"paymentConfig": config, "redemptionDetails": value, "requestId": None}
    [line] = judged(Variant.SINGLE, answer, Line("r-1", 2001))
    assert line.details == Details({"paymentConfig": config, "redemptionDetails": value})


REFUSED = {"success": False, "message": "no"}


@pytest.mark.parametrize(
    "answer",
    [
        {"status": REFUSED | {"code": 12016}, **EMPTY, "paymentConfig": None},
        {"status": REFUSED | {"code": 400}},
        {"status": REFUSED | {"code": 8004, "partnerError": {"codes": ["1620"], "messages": []}}},
        {"status": REFUSED | {"code": 8004, "partnerError": {"codes": ["828"]}}, **EMPTY},
        {"status": REFUSED | {"code": 8004, "partnerError": {"codes": ["1632"]}}, **EMPTY},
        {"status": REFUSED | {"code": 12050}, **EMPTY, "transactionId": 207001},
    ],
)
def test_the_refused_samples_have_no_details(answer):
    [line] = judged(Variant.SINGLE, answer, Line("r-1", 2001))
    assert line.details is None


def coupon(code, points, **more):
    return {
        "pointsRedeemed": points,
        "couponCode": code,
        "codeExpiry": "2027-12-27 00:00:00",
    } | more


def test_each_coupon_of_a_bulk_answer_has_its_own_points():
    reward = {"status": OK, "rewardId": 2001, "requestedQuantity": 2, "quantity": 2}
    precise = {"codeExpiryDateTime": "2027-12-27T00:00:00Z", "pointsRedeemedInDecimal": "14.5715"}
    answer = {
        "status": OK,
        "rewards": [
            reward | {"requestId": "r-1", "intouch": [coupon("A", "10"), coupon("B", "10")]},
            reward
            | {"requestId": "r-2", "intouch": [coupon("C", "15", **precise), coupon("D", "20")]},
        ],
    }
    first, second = judged(Variant.BULK, answer, Line("r-1", 2001, 2), Line("r-2", 2001, 2))
    assert (first.details.points, second.details.points) == (20_000, 34_572)
    [unit, _] = second.details.units
    assert unit.fields == {
        "pointsRedeemed": "15",
        "codeExpiry": "2027-12-27 00:00:00",
        **precise,
    }


def test_a_partial_answer_keeps_what_both_of_its_rewards_show():
    free = {"paymentMode": "FREE", "id": 463}
    shown = {"fulfillmentDetails": {"status": "SHIPPED"}, "customFields": {"size": "L"}}
    shown |= {"restrictions": {"customerLevel": []}, "eventDateTime": "2026-05-08T13:48:13Z"}
    answer = {
        "status": REFUSED | {"code": 8010},
        "rewards": [
            {
                "status": OK,
                "requestId": "r-1",
                "quantity": 1,
                "intouch": [coupon("A", "0")],
                **shown,
            },
            {"status": REFUSED | {"code": 8003}, "requestId": "r-2", "paymentConfig": free},
        ],
    }
    first, second = judged(Variant.BULK, answer, Line("r-1", 1), Line("r-2", 2))
    assert (first.details.fields, first.details.points) == (shown, 0)
    assert second.details == Details({"paymentConfig": free})


def test_several_vendor_objects_repeat_the_points_of_their_transaction():
    vendor = [{"voucher": code, "pointsRedeemed": "5"} for code in "ABCDE"]
    answer = {"status": OK, "rewards": [{"status": OK, "quantity": 5, "vendor": vendor}]}
    [line] = judged(Variant.BULK, answer, Line("r-1", 1, 5))
    assert (line.details.points, len(line.details.units)) == (5_000, 5)


def test_a_promotion_is_kept_as_it_is():
    promotions = [{"promotionId": "p-1", "promotionCode": "CART", "tiers": [1, {"a": None}]}]
    answer = {"status": OK, "rewards": [{"status": OK, "promotions": promotions}]}
    [line] = judged(Variant.BULK, answer, Line("r-1", 1))
    fields = {"promotionId": "p-1", "tiers": [1, {"a": None}]}
    assert line.details.units == (Unit(UnitKind.PROMOTION, "CART", fields),)


def test_what_is_not_an_object_is_kept_as_a_value():
    answer = {"status": OK, "vendor": ["AB12", 7, None, {}], "transactionId": 1}
    [line] = judged(Variant.SINGLE, answer, Line("r-1", 1))
    assert [unit.fields for unit in line.details.units] == [{"value": "AB12"}, {"value": 7}]


def test_a_stray_elements_details_are_kept_with_a_line():
    answer = {
        "status": OK,
        "rewards": [
            {"status": OK, "requestId": "r-1", "quantity": 1, "intouch": [coupon("A", "10")]},
            {"status": OK, "requestId": "other", "quantity": 1, "intouch": [coupon("B", "7")]},
        ],
    }
    [line] = judged(Variant.BULK, answer, Line("r-1", 1))
    assert (line.vouchers, line.details.points) == (("A", "B"), 17_000)
