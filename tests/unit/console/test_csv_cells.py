"""Cells of a CSV export: no cell is a formula, and nothing is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.outcome_export import csv_cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (0, "0"),
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a;b"),
        ("plain", "plain"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+91", "'+91"),
        ("-1+2", "'-1+2"),
        ("@SUM(1)", "'@SUM(1)"),
        (("=1", "2"), "'=1;2"),
        (("1", "=2"), "1;'=2"),
        (("1", "  @2", "-3"), "1;'  @2;'-3"),
        ("try later; =1", "try later;' =1"),
        (" =1", "' =1"),
        ("\t=1", r"\t=1"),
        ("\x00=1", r"\u0000=1"),
        ("\ufeff=1", r"\ufeff=1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ([{"a": "\x9b2J"}], r'[{"a":"\u009b2J"}]'),
    ],
)
def test_a_cell_is_text_and_never_a_formula(value, cell):
    assert csv_cell(value) == cell


_ANY = st.text(st.sampled_from(list("=+-@;,a1 \t\r\n\x00\x1b\x9b\u200b\u202e\ufeff\uff1d\"'")))


@given(_ANY | st.lists(_ANY).map(tuple))
def test_no_item_of_a_cell_begins_with_a_formula_after_what_a_spreadsheet_skips(value):
    for item in re.split("[;\t\r\n]", csv_cell(value)):
        assert not re.match(r"[\s\x00-\x20\x7f-\xa0\u200b-\u202e\ufeff]*[=+@\uff1d-]", item)
