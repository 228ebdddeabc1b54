"""Details for programs and people: expiry in UTC, and nothing private without `reveal`."""

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.rendering.line_details import detail_lines
from issuance.customer import Customer
from issuance.details.details import Details, Unit, UnitKind
from issuance.details.expiry import expires_at
from issuance.states import State
from ledger.queries.outcomes import LineRecord
from operations.details_view import (
    DETAIL_COLUMNS,
    DETAIL_FIELDS,
    detail_columns,
    detail_fields,
    shown_value,
)
from operations.outcome_export import csv_cell

KOLKATA = ZoneInfo("Asia/Kolkata")
COUPON = Unit(
    UnitKind.COUPON,
    "GOLD-11112222",
    {"pointsRedeemed": "10", "codeExpiry": "2027-01-01 00:00:00", "pin": "98765432"},
)
VENDOR = Unit(
    UnitKind.VENDOR,
    "V-33334444",
    {
        "valid_till": "2027-11-01",
        "mobile": 919800000001,
        "offer_name": "for asha@example.com",
        "nested": {"code": "SECRET-CODE-1", "more": ["919800000002"]},
    },
)
LINE = LineRecord(
    request_id="5e0c1111-2222-4333-8444-555566667777",
    job_id="5e0c1111-2222-4333-8444-555566667777",
    campaign="spring",
    customer=Customer("mobile", "919800000001"),
    reward_id=1001,
    state=State.ISSUED,
    code=200,
    message="ok",
    requested_quantity=2,
    quantity=2,
    transaction_ids=("7001",),
    vouchers=("GOLD-11112222", "X-1", "V-33334444"),
    points_references=("aB3",),
    anomalies=("details_cut",),
    attempts=1,
    settled_at=None,
    revoked_at=None,
    org_id=4001,
    reward_external_id="SKU-9",
    details=Details(
        fields={
            "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 50.0, "card": "4111-1"},
            "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 2},
            "fulfillmentDetails": {"status": "SHIPPED", "address": "1 High Street"},
            "customFields": {"size": "size-of-asha-2024"},
            "ownerId": "abc7",
            "eventDateTime": "2026-01-02T03:04:05Z",
        },
        units=(COUPON, VENDOR),
        points=12_375,
    ),
)
PRIVATE = (
    "GOLD",
    "V-3333",
    "98765432",
    "919800",
    "asha",
    "SECRET",
    "4111",
    "High Street",
    "size-of",
)


def test_columns_and_fields_are_the_documented_ones():
    assert tuple(detail_fields(LINE, UTC, reveal=False)) == DETAIL_FIELDS
    assert tuple(detail_columns(LINE, UTC, reveal=False)) == DETAIL_COLUMNS


def test_columns_of_units_are_in_the_order_of_the_vouchers():
    columns = {
        name: csv_cell(value) for name, value in detail_columns(LINE, KOLKATA, reveal=False).items()
    }
    shown = {
        "orgId": "4001",
        "rewardExternalId": "SKU-9",
        "pointsRedeemed": "12.375",
        "pointsReferenceIds": "aB3",
        "unitKinds": "coupon;;vendor",
        "unitPoints": "10;;",
        "codeExpiry": "2027-01-01 00:00:00;;2027-11-01",
        "codeExpiryDateTime": "2026-12-31T18:30:00.000Z;;2027-11-01T18:29:59.000Z",
        "paymentMode": "POINTS",
        "paymentConfigId": "55",
        "paymentPoints": "50.0",
        "conversionRatio": "",
        "redemptionType": "MILES",
        "redemptionValue": "2",
        "fulfillmentStatus": "SHIPPED",
        "ownerId": "abc7",
        "eventDateTime": "2026-01-02T03:04:05Z",
        "anomalies": "details_cut",
    }
    assert {name: columns[name] for name in shown} == shown


def test_json_has_each_unit_whole_when_it_is_revealed():
    coupon, vendor = detail_fields(LINE, UTC, reveal=True)["units"]
    assert (coupon["voucher"], coupon["fields"]) == ("GOLD-11112222", COUPON.fields)
    assert (vendor["kind"], vendor["fields"]) == ("vendor", VENDOR.fields)
    assert detail_fields(LINE, UTC, reveal=True)["customFields"] == {"size": "size-of-asha-2024"}


@pytest.mark.parametrize("private", PRIVATE)
def test_nothing_private_is_shown_without_reveal(private):
    texts = (
        str(detail_fields(LINE, UTC, reveal=False)),
        str(detail_columns(LINE, UTC, reveal=False)),
        "\n".join(detail_lines(LINE, UTC, reveal=False)),
    )
    assert [text for text in texts if private in text] == []
    assert private in "\n".join(detail_lines(LINE, UTC, reveal=True))


def test_the_detail_for_people_names_points_expiry_payment_and_organisation():
    lines = list(detail_lines(LINE, KOLKATA, reveal=False))
    assert "points redeemed: 12.375" in lines
    assert "organisation: 4001" in lines
    [coupon] = [line for line in lines if line.startswith("unit: coupon")]
    assert "10 points, expires 2027-01-01 00:00:00 (2026-12-31 18:30:00Z)" in coupon
    [payment] = [line for line in lines if line.startswith("paymentConfig")]
    assert '"paymentMode":"POINTS","id":55,"points":50.0' in payment


def test_many_units_are_cut_in_the_detail_for_people():
    units = tuple(Unit(UnitKind.COUPON, None, {"pointsRedeemed": str(n)}) for n in range(25))
    line = replace(LINE, vouchers=(), details=Details(units=units))
    assert "and 5 more units: `issuance outcomes` lists them" in list(
        detail_lines(line, UTC, reveal=False)
    )


@pytest.mark.parametrize(
    ("fields", "instant"),
    [
        ({"codeExpiry": "2027-01-01 00:00:00"}, "2026-12-31T18:30:00+00:00"),
        (
            {"codeExpiry": "2027-01-01 05:30:00", "valid_till": "2030-01-01"},
            "2027-01-01T00:00:00+00:00",
        ),
        (
            {"codeExpiry": "2027-01-01 00:00:00", "codeExpiryDateTime": "2027-01-01T00:00:00Z"},
            "2027-01-01T00:00:00+00:00",
        ),
        ({"valid_till": "2027-11-01"}, "2027-11-01T18:29:59+00:00"),
        ({"codeExpiryDateTime": "soon", "codeExpiry": "2027-01-01"}, "2027-01-01T18:29:59+00:00"),
        ({"codeExpiry": "never"}, None),
        ({"codeExpiry": 7}, None),
        ({"codeExpiry": "0001-01-01 00:00:00"}, None),
        ({}, None),
    ],
)
def test_local_expiry_is_read_in_the_accounts_zone(fields, instant):
    found = expires_at(fields, KOLKATA)
    assert (found and found.isoformat()) == instant


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pointsRedeemed", "919800000001"),
        ("pointsRedeemed", "GOLD"),
        ("codeExpiry", "GOLD-2027"),
        ("status", "to asha@example.com"),
        ("status", "call 919800000001"),
        ("ownerId", "9198000000012"),
        ("paymentMode", "x" * 65),
        ("code", "200"),
        ("id", "GOLD-1"),
    ],
)
def test_a_known_name_does_not_show_what_it_does_not_promise(name, value):
    assert shown_value({name: value}, reveal=False)[name] != value


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(ANYTHING, st.dictionaries(st.sampled_from(DETAIL_FIELDS), ANYTHING), st.booleans())
def test_any_details_can_be_shown(value, fields, reveal):
    unit = Unit(UnitKind.VENDOR, None, {"codeExpiry": value, "pointsRedeemed": value, "x": value})
    line = replace(LINE, details=Details(fields, (unit,)))
    detail_fields(line, KOLKATA, reveal=reveal)
    assert all(
        isinstance(csv_cell(cell), str)
        for cell in detail_columns(line, UTC, reveal=reveal).values()
    )
    assert all("\n" not in text for text in detail_lines(line, UTC, reveal=reveal))
