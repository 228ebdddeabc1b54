"""The documents' samples of issue answers with invented values are classified as documented."""

import json

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, Reason
from issuance.replies.classification import classify
from issuance.replies.reply import Answer

OK = {"success": True, "code": 200, "message": "Reward issued successfully"}
EMPTY = {"intouch": None, "promotion": None, "vendor": None}


def refusal(code, message, partner=None, **fields):
    status = {"success": False, "code": code, "message": message}
    if partner:
        status["partnerError"] = {"codes": [partner[0]], "messages": [partner[1]]}
    return {"status": status, **fields}


def only_line(variant, answer, http_status=200, line=None):
    lines = [line or Line("r-1", 2001)]
    outcome = classify(
        lines, variant, Answer(http_status, json.dumps(answer).encode()), resent=False
    )
    return outcome.lines[0]


def connected_answer(org_id):
    return {
        "status": OK,
        "rewards": [
            {
                "status": OK,
                "orgId": org_id,
                "transactionId": 57001,
                "rewardId": 2001,
                "requestedQuantity": 1,
                "quantity": 1,
                "pointsReferenceId": "aB3xY9",
                "pointsReferenceIds": ["aB3xY9"],
                "eventLogId": None,
                "requestId": None,
                "intouch": None,
                "promotions": [],
                "vendor": [
                    {
                        "valid_till": "2027-11-01",
                        "voucher": "V-1",
                        "pointsRedeemed": "2",
                        "offer_name": "x",
                        "coupon_series_id": "234",
                    }
                ],
                "restrictions": None,
                "paymentConfig": {"paymentMode": "CONV_RATIO", "id": 54, "conversionRatio": 0.5},
                "fulfillmentDetails": None,
                "customFields": None,
                "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 1},
            }
        ],
    }


@pytest.mark.parametrize("org_id", [4001, 4002])
def test_the_connected_sample_is_issued_with_its_voucher_in_both_scopes(org_id):
    line = only_line(
        Variant.CONNECTED, connected_answer(org_id), line=Line("r-1", 2001, org_id=org_id)
    )
    assert (line.kind, line.quantity, line.vouchers) == (Kind.ISSUED, 1, ("V-1",))
    assert (line.transaction_ids, line.points_references) == (("57001",), ("aB3xY9",))


def test_the_single_sample_with_a_coupon_is_issued():
    answer = {
        "status": OK,
        "intouch": {
            "pointsRedeemed": "10",
            "couponCode": "9000000001",
            "codeExpiry": "2027-01-01 00:00:00",
        },
        "transactionId": 300001,
        "promotion": None,
        "vendor": None,
        "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 50.0},
        "redemptionDetails": {"redemptionType": "MILES", "redemptionValue": 2},
        "eventLogId": "e",
        "requestId": "r-1",
    }
    line = only_line(Variant.SINGLE, answer)
    assert (line.kind, line.vouchers, line.transaction_ids) == (
        Kind.ISSUED,
        ("9000000001",),
        ("300001",),
    )


def test_the_single_sample_with_an_empty_vendor_is_issued_without_a_voucher():
    answer = {"status": OK, **EMPTY, "vendor": {}, "transactionId": 330001, "requestId": None}
    line = only_line(Variant.SINGLE, answer)
    assert (line.kind, line.quantity, line.vouchers) == (Kind.ISSUED, 1, ())


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(
    ("answer", "code", "transactions"),
    [
        (refusal(12016, "Invalid payment mode passed.", **EMPTY, paymentConfig=None), 12016, ()),
        (
            refusal(400, "Invalid payment mode passed.,Payment configuration id is mandatory"),
            400,
            (),
        ),
        (
            refusal(
                8004, "fail to issue reward as user 7 does not belong to group 1", ("1620", "no")
            ),
            8004,
            (),
        ),
        (
            refusal(
                8004, "fail to issue reward as  points are not redeemable", ("828", "no"), **EMPTY
            ),
            8004,
            (),
        ),
        (
            refusal(
                8004, "fail to issue reward as  points are not redeemable", ("1632", "no"), **EMPTY
            ),
            8004,
            (),
        ),
        (
            refusal(12050, "User has no valid cards.", **EMPTY, transactionId=207001),
            12050,
            ("207001",),
        ),
    ],
)
def test_each_single_refusal_is_definite_under_both_http_statuses(
    answer, code, transactions, http_status
):
    line = only_line(Variant.SINGLE, answer, http_status)
    assert (line.kind, line.reason, line.code) == (Kind.FAILED, Reason.FAILED, code)
    assert line.transaction_ids == transactions
