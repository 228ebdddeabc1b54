"""What a transaction's detail shows of a reconciled line is kept; all values are made up."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.details.details import Unit, UnitKind
from issuance.job import Line
from issuance.outcome import Kind
from issuance.reconciliation.conclusion import conclude
from issuance.reconciliation.transactions import TransactionDetail
from tests.unit.issuance.test_transaction_samples import (
    MILES_OF_A_VENDOR,
    OLDER_COUPON,
    PHYSICAL_REWARD,
    VENDOR_VOUCHERS,
)


def concluded(*samples, line=None):
    read = [TransactionDetail.model_validate(sample) for sample in samples]
    line = line or Line("r", read[0].reward_id, 5, org_id=4000)
    [found] = conclude([line], read, {one.reward_transaction_id: one for one in read}).outcome.lines
    return found


def test_the_sample_with_vendors_keeps_units_custom_fields_and_the_transactions_points():
    line = concluded(MILES_OF_A_VENDOR)
    assert line.kind is Kind.ISSUED
    assert line.details.units == tuple(
        Unit(UnitKind.VENDOR, code, {"pointsRedeemed": "5"}) for code in VENDOR_VOUCHERS
    )
    assert line.details.points == 5_000  # pointsRedemption.redeemedPoints, not five times 5
    assert line.details.fields == {
        "redemptionDetails": {"redemptionType": "MILES"},
        "customFields": {"size": "L"},
        "eventDateTime": "2026-11-01T00:00:00Z",
        "issueDateTime": "2026-11-01T00:00:00Z",
    }


def test_the_older_sample_keeps_what_its_voucher_shows():
    line = concluded(OLDER_COUPON, line=Line("r", 2002))
    revenue = {"revenueDetails": {"brandCommission": 1.0, "affiliateCommission": 1.2}}
    assert line.details.units == (Unit(UnitKind.COUPON, "XS35QH1", revenue),)
    assert (line.details.points, line.details.fields) == (
        1_000,
        {"customFields": {"0a17": "defaultValue"}},
    )


def test_the_physical_sample_keeps_its_redemption_type_and_has_no_unit():
    line = concluded(PHYSICAL_REWARD, line=Line("r", 2003))
    assert (line.details.units, line.details.points) == ((), 0)
    assert line.details.fields == {
        "orgId": 4000,
        "redemptionDetails": {"redemptionType": "PHYSICAL_REWARD"},
    }


def test_every_documented_field_of_a_detail_is_kept():
    given_fields = {
        "transactionCustomFields": {"shop": "17"},
        "fulfillmentDetails": {"status": "SHIPPED"},
        "fulfillmentDetailsAuditLog": [{"status": "BOOKED"}],
        "ownerType": "CAMPAIGNS",
        "ownerId": "abc7",
        "groupRedemption": True,
        "paymentConfig": {"paymentMode": "POINTS", "id": 55},
        "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 40},
        "vouchers": [
            {
                "code": "UPlow3",
                "codeExpiry": "2027-06-15 00:00:00",
                "codeExpiryDateTime": "2027-06-15T00:00:00Z",
            }
        ],
        "promotions": [{"promotionCode": "P-1", "promotionId": 3}],
    }
    line = concluded(PHYSICAL_REWARD | given_fields, line=Line("r", 2003, org_id=4000))
    not_kept = {"fulfillmentDetailsAuditLog", "vouchers", "promotions"}
    assert line.details.fields == {
        name: value for name, value in given_fields.items() if name not in not_kept
    }
    coupon, promotion = line.details.units
    assert coupon.fields["codeExpiryDateTime"] == "2027-06-15T00:00:00Z"
    assert promotion == Unit(UnitKind.PROMOTION, "P-1", {"promotionId": 3})
    assert line.vouchers == ("UPlow3", "P-1")


@pytest.mark.parametrize(
    ("second", "points"),
    [
        ({"pointsRedemptionRefId": "bC", "redeemedPoints": 7}, 8_000),
        ({"pointsRedemptionRefId": "0abcde", "redeemedPoints": 7}, 7_000),
        ({"pointsRedemptionRefId": "bC", "redeemedPoints": "12.375"}, 13_375),
        ({"pointsRedemptionRefId": "bC", "redeemedPoints": None}, 1_000),
        (None, 1_000),
    ],
)
def test_the_points_of_transactions_add_up_unless_they_share_a_reference(second, points):
    later = OLDER_COUPON | {"rewardTransactionId": "17002", "pointsRedemption": second}
    assert concluded(OLDER_COUPON, later, line=Line("r", 2002)).details.points == points


def test_a_refused_transactions_points_were_not_taken():
    refused = OLDER_COUPON | {"status": {"success": False, "code": 8003}, "quantity": 0}
    details = concluded(refused | {"vouchers": []}, line=Line("r", 2002)).details
    assert details.points is None


@pytest.mark.parametrize("packed", ["{", '"x"', "[]", "7", '{"a": "\\ud800"}'])
def test_a_vendors_unreadable_json_does_no_harm(packed):
    sample = deepcopy(MILES_OF_A_VENDOR)
    sample["vendorRewards"]["rewards"][0] = {"json": packed}
    line = concluded(sample)
    assert line.vouchers == VENDOR_VOUCHERS[1:]
    assert line.kind is Kind.ISSUED


def test_unreadable_json_is_kept_as_it_came():
    sample = deepcopy(MILES_OF_A_VENDOR)
    sample["vendorRewards"]["rewards"][0] = {"json": "{voucher: 9}"}
    assert concluded(sample).details.units[-1].fields == {"json": "{voucher: 9}"}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(MILES_OF_A_VENDOR)), ANYTHING, max_size=4))
def test_garbage_never_raises_and_loses_no_voucher(odd):
    sample = MILES_OF_A_VENDOR | {
        name: value for name, value in odd.items() if name not in ("status", "vendorRewards")
    }
    read = TransactionDetail.model_validate(sample)
    [line] = conclude(
        [Line("r", 2001, 5)], [read], {read.reward_transaction_id: read}
    ).outcome.lines
    assert set(VENDOR_VOUCHERS) <= set(line.vouchers)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_any_vendor_rewards_are_read(rewards, packed, points):
    vendor = {"rewards": [{"json": packed}, {"json": json.dumps({"voucher": "V"})}, rewards]}
    sample = MILES_OF_A_VENDOR | {
        "vendorRewards": vendor,
        "pointsRedemption": {"redeemedPoints": points},
    }
    assert "V" in concluded(sample).vouchers
