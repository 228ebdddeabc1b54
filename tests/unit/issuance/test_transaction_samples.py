"""The documents' samples of transaction details with invented values are read and concluded."""

import json

import pytest

from issuance.job import Line
from issuance.outcome import Kind
from issuance.reconciliation.conclusion import conclude
from issuance.reconciliation.transactions import Issual, TransactionDetail

ISSUED = {"success": True, "code": 200, "message": "Reward issued successfully"}

MILES_OF_A_VENDOR = {
    "rewardTransactionId": "81001",
    "customerId": 700000001,
    "orgId": 4000,
    "rewardIssueRefId": "Transaction-17",
    "rewardTransactionDate": 1793491200000,
    "status": ISSUED,
    "quantity": 5,
    "requestedQuantity": 5,
    "groupRedemption": False,
    "rewardDetails": {
        "rewardId": 2001,
        "languageCode": "en",
        "name": " Miles",
        "groups": [],
        "intouchPoints": 1,
        "redemptionType": "MILES",
        "vendorName": "v",
        "vendorId": 38,
        "images": [],
        "videos": [],
    },
    "pointsRedemption": {
        "redeemedPoints": 5,
        "vendorName": "p",
        "pointsRedemptionRefId": "aB3xY9",
        "pointsRedemptionRefIds": ["aB3xY9"],
        "status": {"success": True, "code": 200, "message": "Points redeemed successfully."},
        "vendorId": 47,
    },
    "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": None},
    "vouchers": [],
    "vendorRewards": {
        "rewards": [
            {"json": json.dumps({"voucher": f"90000{n}", "pointsRedeemed": "5"})} for n in range(5)
        ]
    },
    "customFields": {"size": "L"},
    "richContentRO": {"RC": {"content": "x", "isEnabled": True}},
    "ownerId": "",
    "eventDateTime": "2026-11-01T00:00:00Z",
    "issueDateTime": "2026-11-01T00:00:00Z",
}
OLDER_COUPON = {
    "rewardTransactionId": "17001",
    "rewardIssueRefId": "transactionNumber",
    "rewardTransactionDate": 1793491200000,
    "status": ISSUED,
    "quantity": 1,
    "groupRedemption": False,
    "rewardDetails": {
        "rewardId": 2002,
        "intouchSeriesId": "113",
        "vendorName": None,
        "vendorId": None,
    },
    "pointsRedemption": {
        "redeemedPoints": 1,
        "referenceId": None,
        "pointsRedemptionRefId": "0abcde",
        "status": {"success": True, "code": 200, "message": "Points redeemed successfully."},
        "requestBody": None,
        "headers": None,
    },
    "pointsRedemptionCheck": None,
    "issueReward": None,
    "revokeReward": None,
    "vouchers": [
        {"code": "XS35QH1", "revenueDetails": {"brandCommission": 1.0, "affiliateCommission": 1.2}}
    ],
    "promotions": None,
    "customFields": {"0a17": "defaultValue"},
    "ownerType": None,
    "ownerId": "",
    "rewardRank": None,
}
PHYSICAL_REWARD = {
    "rewardTransactionId": "33801",
    "customerId": 700000002,
    "orgId": 4000,
    "rewardIssueRefId": "107",
    "rewardTransactionDate": 1793491200000,
    "status": ISSUED,
    "quantity": 1,
    "requestedQuantity": 1,
    "rewardDetails": {
        "rewardId": 2003,
        "redemptionType": "PHYSICAL_REWARD",
        "images": [{"id": None}],
    },
    "pointsRedemption": {"redeemedPoints": 0, "pointsRedemptionRefIds": [None], "status": ISSUED},
    "redemptionDetails": {"redemptionType": "PHYSICAL_REWARD", "totalRedemptionValue": None},
    "vouchers": [],
    "vendorRewards": {"rewards": [{"json": "{}"}]},
    "ownerId": "",
}
VENDOR_VOUCHERS = tuple(f"90000{n}" for n in range(5))


@pytest.mark.parametrize(
    ("sample", "quantity", "vouchers", "references"),
    [
        (MILES_OF_A_VENDOR, 5, VENDOR_VOUCHERS, ("aB3xY9",)),
        (OLDER_COUPON, 1, ("XS35QH1",), ("0abcde",)),
        (PHYSICAL_REWARD, 1, (), ()),
    ],
    ids=["miles", "older coupon", "physical"],
)
def test_each_documented_detail_is_issued_with_its_units_vouchers_and_references(
    sample, quantity, vouchers, references
):
    read = TransactionDetail.model_validate(sample)
    conclusion = conclude(
        [Line("r", read.reward_id, quantity)], [read], {read.reward_transaction_id: read}
    )
    [line] = conclusion.outcome.lines
    assert (line.kind, line.quantity, line.requested_quantity) == (Kind.ISSUED, quantity, quantity)
    assert (line.vouchers, line.points_references) == (vouchers, references)
    assert line.transaction_ids == (sample["rewardTransactionId"],)


def test_a_documented_entry_of_the_list_is_read():
    read = Issual.model_validate(
        {
            "rewardTransactionId": "300101",
            "rewardIssueRefId": "blast42-000017",
            "rewardTransactionDate": 1793491200000,
            "status": ISSUED,
            "rewardDetails": {
                "rewardId": 1001,
                "name": "x",
                "groups": [],
                "rewardRank": 1,
                "enabled": True,
            },
            "ownerType": None,
            "ownerId": "",
            "pointsRedemptionRefIds": None,
            "fulfillmentStatus": None,
            "redemptionType": "INTOUCH_REWARD",
        }
    )
    assert (read.reward_transaction_id, read.reward_issue_ref_id) == ("300101", "blast42-000017")
    assert (read.reward_transaction_date, read.reward_id, read.status.code) == (
        1793491200000,
        1001,
        200,
    )
    assert (read.vouchers, read.points_references) == ((), ())


@pytest.mark.parametrize("field", list(OLDER_COUPON))
@pytest.mark.parametrize("odd", [None, [], {}, "x", -1, [[]], True])
def test_one_invalid_field_affects_no_other(field, odd):
    read = TransactionDetail.model_validate(OLDER_COUPON | {field: odd})
    assert field == "vouchers" or read.vouchers[0] == "XS35QH1"
    assert field == "rewardTransactionId" or read.reward_transaction_id == "17001"
    assert field == "status" or read.status.code == 200


@pytest.mark.parametrize(
    ("written", "flag"),
    [(True, True), ("true", True), ("FALSE", False), ("yes", None), (1, None), (None, None)],
)
def test_a_flag_is_read_as_json_or_as_text(written, flag):
    assert Issual.model_validate({"status": {"success": written}}).status.success is flag


@pytest.mark.parametrize(
    ("written", "text"), [("7", "7"), (7, "7"), ("a\x00b", "ab"), (True, None), ([], None)]
)
def test_an_id_becomes_text_in_every_spelling(written, text):
    assert Issual.model_validate({"rewardTransactionId": written}).reward_transaction_id == text


@pytest.mark.parametrize(
    ("written", "number"),
    [(7, 7), ("7.0", 7), (True, None), ({}, None), ("x", None), (2**63, None), ("nan", None)],
)
def test_a_number_is_read_in_every_spelling(written, number):
    assert (
        Issual.model_validate({"rewardTransactionDate": written}).reward_transaction_date == number
    )


@pytest.mark.parametrize(
    ("packed", "vouchers"),
    [('{"voucher": 7}', ("7",)), ({"voucher": "V"}, ("V",)), ("{", ()), (None, ()), ('["V"]', ())],
)
def test_a_vendors_packed_voucher_is_read_if_possible(packed, vouchers):
    read = TransactionDetail.model_validate({"vendorRewards": {"rewards": [{"json": packed}]}})
    assert read.vouchers == vouchers


def test_a_promotions_code_is_a_voucher_too():
    assert TransactionDetail.model_validate(
        {"promotions": [{"code": "P"}, {"promotionCode": "Q"}]}
    ).vouchers == (
        "P",
        "Q",
    )


def test_a_number_of_thousands_of_digits_is_not_an_id():
    assert Issual.model_validate({"rewardTransactionId": 10**5000}).reward_transaction_id is None
