from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.closing.points import points_text


@pytest.mark.parametrize(
    ("thousandths", "text"),
    [(0, "0"), (120_000, "120"), (500, "0.5"), (12_345, "12.345"), (-1_050, "-1.05"), (1, "0.001")],
)
def test_points_are_written_exactly(thousandths, text):
    assert points_text(thousandths) == text


@given(st.integers(-(2**63), 2**63))
def test_no_points_are_lost(thousandths):
    assert Decimal(points_text(thousandths)) * 1000 == thousandths
