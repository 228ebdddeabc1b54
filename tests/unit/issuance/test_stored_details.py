"""Details are stored compactly, bounded, and read back as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.details.details import (
    Details,
    Unit,
    UnitKind,
    join_details,
    make_details,
    points_of,
    read_units,
)
from issuance.details.points import as_points, points_number, thousandths
from issuance.details.stored import MOST_BYTES, read_details, store_details, with_long_names

EXPIRY = {"codeExpiry": "2027-01-01 00:00:00", "pointsRedeemed": "10"}


def coupons(*codes, **fields):
    return tuple(Unit(UnitKind.COUPON, code, EXPIRY | fields) for code in codes)


def codes_of(details):
    return tuple(unit.voucher for unit in details.units if unit.voucher)


def test_what_all_units_show_equally_is_stored_once_and_no_code_is_repeated():
    details = Details({"paymentConfig": {"id": 55}}, coupons("A-1", "B-2", "C-3"), 30_000)
    text, is_cut = store_details(details, ("A-1", "B-2", "C-3"))
    assert json.loads(text) == {"p": {"id": 55}, "e": {"x": "2027-01-01 00:00:00", "n": "10"}}
    assert json.loads(with_long_names(text)) == {"paymentConfig": {"id": 55}, "each": EXPIRY}
    assert (read_details(text, ("A-1", "B-2", "C-3"), 30_000), is_cut) == (details, False)


def test_what_differs_is_stored_in_the_order_of_the_vouchers():
    units = (
        Unit(UnitKind.VENDOR, "B", {"valid_till": "2027-01-01", "serial": 2}),
        Unit(UnitKind.VENDOR, "A", {"valid_till": "2027-01-01", "serial": 1}),
        Unit(UnitKind.VENDOR, None, {"valid_till": "2027-01-01"}),
    )
    text, _ = store_details(Details(units=units), ("A", "X", "B"))
    assert json.loads(with_long_names(text)) == {
        "each": {"valid_till": "2027-01-01", "$kind": "vendor"},
        "units": [{"serial": 1}, None, {"serial": 2}, {}],
    }
    assert read_details(text, ("A", "X", "B"), None).units == (units[1], units[0], units[2])


def test_rows_that_were_stored_with_long_names_stay_readable():
    old = {
        "paymentConfig": {"id": 55, "p": 1},
        "each": {"valid_till": "2027-01-01", "$kind": "vendor", "x": "the vendor's own"},
        "units": [{"~n": 1}, {"pointsRedeemed": "5"}],
    }
    text = json.dumps(old)
    assert json.loads(with_long_names(text)) == old
    shared = {"valid_till": "2027-01-01", "x": "the vendor's own"}
    details = read_details(text, ("A", "B"), 5_000)
    assert details == Details(
        {"paymentConfig": {"id": 55, "p": 1}},
        (
            Unit(UnitKind.VENDOR, "A", shared | {"~n": 1}),
            Unit(UnitKind.VENDOR, "B", shared | {"pointsRedeemed": "5"}),
        ),
        5_000,
    )
    again, _ = store_details(details, ("A", "B"))
    assert read_details(again, ("A", "B"), 5_000) == details


def test_a_voucher_without_details_needs_no_room():
    assert store_details(Details(units=(Unit(UnitKind.COUPON, "A"),)), ("A",)) == (None, False)
    assert store_details(None, ()) == (None, False)
    assert read_details(None, ("A",), None) is None
    assert read_details(None, (), 5) == Details(points=5)


@pytest.mark.parametrize("size", [2_000, 100_000])
def test_details_beyond_the_limit_lose_what_is_large_and_keep_points_and_expiry(size):
    vendor = [{"voucher": f"V{n}", **EXPIRY, "terms": f"{n}" * size} for n in range(9)]
    units = tuple(read_units(UnitKind.VENDOR, vendor))
    details = Details({"customFields": {"a": "b" * 600}, "ownerId": "7"}, units, 10_000)
    text, is_cut = store_details(details, codes_of(details))
    assert is_cut
    assert len(text) <= MOST_BYTES
    found = read_details(text, codes_of(details), 10_000)
    assert codes_of(found) == codes_of(details)
    assert {unit.fields["codeExpiry"] for unit in found.units} == {EXPIRY["codeExpiry"]}
    assert found.fields == {"ownerId": "7"}


def test_ten_thousand_units_that_differ_still_fit():
    vendor = [{"voucher": f"V{n}", "pointsRedeemed": str(n)} for n in range(10_000)]
    details = Details(units=tuple(read_units(UnitKind.VENDOR, vendor)))
    text, is_cut = store_details(details, codes_of(details))
    assert (is_cut, len(text) <= MOST_BYTES) == (True, True)
    assert read_details(text, codes_of(details), None).units == ()


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("10", 10_000),
        (10, 10_000),
        (50.0, 50_000),
        ("21.4555", 21_456),
        ("21.4554", 21_455),
        (" 7.5 ", 7_500),
        ("0", 0),
        ("-1", None),
        ("1e3", 1_000_000),
        ("1e99", None),
        ("ten", None),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
        ("nan", None),
        (float("inf"), None),
        (10**12, None),
        ("9" * 60, None),
    ],
)
def test_points_are_read_in_every_spelling(written, amount):
    assert thousandths(written) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (10_000, "10"), (12_375, "12.375"), (12_300, "12.3"), (5, "0.005")],
)
def test_points_are_written_without_needless_digits(amount, text):
    assert as_points(amount) == text


def test_a_resend_that_shows_only_new_units_adds_their_points():
    earlier, later = (make_details({}, coupons(code)) for code in "AB")
    assert join_details(earlier, later).points == 20_000
    assert join_details(earlier, make_details({}, coupons("A", "B"))).points == 20_000
    assert join_details(earlier, earlier) == earlier


def test_points_without_codes_are_not_added_up_over_replies():
    [one] = read_units(UnitKind.COUPON, {"pointsRedeemed": "5"})
    [two] = read_units(UnitKind.COUPON, {"pointsRedeemed": "10"})
    joined = join_details(make_details({}, [one]), make_details({}, [two]))
    assert (joined.points, joined.units) == (10_000, (one, two))


def test_a_later_reply_adds_to_objects_and_takes_no_field_away():
    earlier = Details({"customFields": {"a": 1}, "fulfillmentDetails": {"status": "BOOKED"}})
    later = Details({"customFields": {"b": 2}, "fulfillmentDetails": {"status": "SHIPPED"}})
    assert join_details(earlier, later).fields == {
        "customFields": {"a": 1, "b": 2},
        "fulfillmentDetails": {"status": "SHIPPED"},
    }


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ANYTHING = st.recursive(
    SCALARS | st.text(st.characters(codec="utf-8"), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
UNITS = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["couponCode", "voucher", "pointsRedeemed", "codeExpiry", "$kind", "x", "~x", "each"]
        ),
        st.sampled_from(["A", "B", "7", 7, None]) | ANYTHING,
        max_size=4,
    )
    | ANYTHING,
    max_size=4,
)
DETAILS = st.builds(
    lambda kind, shown, owner: make_details({"ownerId": owner}, read_units(kind, shown)),
    st.sampled_from(UnitKind),
    UNITS | ANYTHING,
    st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
)


def canon(details):
    """Ignore what storing drops: an own `$kind`, and coupons that show nothing but their code."""
    if details is None:
        return None
    units = [
        (unit.kind, unit.voucher, fields)
        for unit in details.units
        if (fields := {key: value for key, value in unit.fields.items() if key != "$kind"})
        or unit.kind is not UnitKind.COUPON
    ]
    return details.fields, sorted(units, key=lambda unit: (unit[1] is None, repr(unit[1])))


@given(DETAILS, st.lists(st.sampled_from(["X", "Y"]), unique=True))
def test_storing_loses_nothing(details, others):
    vouchers = tuple(others) + (codes_of(details) if details else ())
    text, _ = store_details(details, vouchers)
    found = read_details(text, vouchers, details.points if details else None)
    assert canon(found or Details()) == canon(details or Details())
    if details and found:
        assert found.points == details.points


@given(DETAILS, DETAILS)
def test_joining_keeps_every_unit_field_and_point(earlier, later):
    joined = join_details(earlier, later)
    for one in (earlier, later):
        if one is None:
            continue
        assert set(codes_of(one)) <= set(codes_of(joined))
        assert one.fields.keys() <= joined.fields.keys()
        assert (joined.points or 0) >= (one.points or 0)
    assert join_details(joined, later) == joined
    if joined is not None and joined.units and not earlier:
        assert joined.points == points_of(joined.units)


def test_a_field_that_all_units_share_is_left_out_if_it_is_too_large():
    units = tuple(
        Unit(UnitKind.VENDOR, code, {"text": "x" * 20_000, "valid_till": "2027-11-01"})
        for code in ("A", "B")
    )
    text, is_cut = store_details(Details(units=units), ("A", "B"))
    assert is_cut
    kept = read_details(text, ("A", "B"), None)
    assert [unit.fields for unit in kept.units] == [{"valid_till": "2027-11-01"}] * 2


def test_an_inner_value_is_read_from_objects_only():
    details = Details({"paymentConfig": {"id": 55, "points": None}, "restrictions": ["x"]})
    assert details.inner("paymentConfig", "points", "id") == 55
    assert details.inner("paymentConfig", "points") is None
    assert details.inner("restrictions", "id") is None


@pytest.mark.parametrize(("amount", "number"), [(10_000, 10), (12_375, 12.375)])
def test_thousandths_are_written_as_points(amount, number):
    assert points_number(amount) == number
