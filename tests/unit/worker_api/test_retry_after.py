"""`Retry-After` in every format of the standard, and in others that servers send."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards_api.retry_after import read_retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 04:05:05 +0100", 60.0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60.0),
        ("Friday, 02-Jan-26 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
    ],
)
def test_seconds_and_dates_are_seconds_from_now(value, seconds):
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "answer_date", ["Fri, 02 Jan 2026 09:00:00 GMT", "Thu, 01 Jan 2026 09:00:00 GMT"]
)
def test_a_date_is_read_by_the_apis_clock_however_wrong_ours_is(answer_date):
    value = answer_date.replace("09:00:00", "09:00:30")
    assert read_retry_after(value, NOW, answer_date) == 30.0


def test_a_date_without_a_readable_date_header_is_read_by_our_clock():
    assert read_retry_after("Fri, 02 Jan 2026 03:05:05 GMT", NOW, "today") == 60.0


@pytest.mark.parametrize(
    "value",
    [None, "", "-1", "nan", "inf", "1e999", "soon", "Fri, 99 Jan 2026 03:05:05 GMT", "9" * 400],
)
def test_any_other_value_counts_as_absent(value):
    assert read_retry_after(value, NOW) is None


@given(st.text())
def test_no_value_raises(value):
    seconds = read_retry_after(value, NOW)
    assert seconds is None or seconds >= 0
