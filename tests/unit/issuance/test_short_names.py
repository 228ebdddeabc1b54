"""Short names: known names are replaced, unknown ones pass, and no two names are confused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.details.details import LINE_FIELDS
from issuance.details.short_names import SHORT_NAMES, lengthen, shorten

SAMPLE = {
    "paymentConfig": {"paymentMode": "CONV_RATIO", "id": 54, "conversionRatio": 0.5},
    "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 1},
    "customFields": {"points": "L"},
    "each": {"valid_till": "2027-11-01", "$kind": "vendor", "terms": "none"},
    "units": [{"pointsRedeemed": "2"}, None],
}


def test_known_names_are_replaced_wherever_the_api_or_the_ledger_gives_them():
    assert shorten(SAMPLE) == {
        "p": {"m": "CONV_RATIO", "id": 54, "q": 0.5},
        "r": {"y": "MILES", "j": 1},
        "c": {"points": "L"},
        "e": {"v": "2027-11-01", "k": "vendor", "terms": "none"},
        "u": [{"n": "2"}, None],
    }
    assert lengthen(shorten(SAMPLE)) == SAMPLE


def test_what_was_stored_with_long_names_is_read_as_it_is():
    old = SAMPLE | {"each": {"x": 1, "p": 2, "~n": 3}}
    assert lengthen(old) == old


@pytest.mark.parametrize("value", [None, "text", 7, [], [1, "x"], [["x"]]])
def test_a_value_that_is_no_object_stays_as_it_is(value):
    assert shorten({"paymentConfig": value}) == {"p": value}
    assert lengthen({"p": value}) == {"paymentConfig": value}


@pytest.mark.parametrize("name", ["x", "~x", "~", "~~x", "st"])
def test_an_unknown_name_that_looks_short_is_marked(name):
    assert shorten({"each": {name: 1}}) == {"e": {f"~{name}": 1}}
    assert lengthen({"e": {f"~{name}": 1}}) == {"each": {name: 1}}


def test_the_table_is_unambiguous_and_has_every_field_of_a_line():
    short = SHORT_NAMES.values()
    assert len(set(short)) == len(SHORT_NAMES)
    assert set(short).isdisjoint(SHORT_NAMES)
    assert {*LINE_FIELDS, "each", "units"} <= SHORT_NAMES.keys()


_NAMES = (
    st.sampled_from([*SHORT_NAMES, *SHORT_NAMES.values()])
    | st.sampled_from([*SHORT_NAMES.values()]).map("~".__add__)
    | st.text(st.sampled_from("~eux$"), max_size=4)
)
_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_whatever_is_shortened_is_read_back_as_it_was(fields):
    assert lengthen(json.loads(json.dumps(shorten(fields)))) == fields


@given(st.dictionaries(st.sampled_from([*LINE_FIELDS, "each", "units"]), _VALUES, max_size=6))
def test_whatever_was_stored_with_long_names_is_read_back_as_it_was(fields):
    assert lengthen(fields) == fields
