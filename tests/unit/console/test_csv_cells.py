"""Cells of a CSV export: no cell is a formula, and nothing is lost."""

import pytest

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
    ],
)
def test_a_cell_is_text_and_never_a_formula(value, cell):
    assert csv_cell(value) == cell
