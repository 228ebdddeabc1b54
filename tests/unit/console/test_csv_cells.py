"""Cells of an export: nothing a spreadsheet would run, nothing lost."""

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
def test_a_cell_is_text_that_no_spreadsheet_runs(value, cell):
    assert csv_cell(value) == cell
