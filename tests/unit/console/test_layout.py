"""Numbers, times and columns as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from console.rendering.layout import age, aligned
from operations.formats import clock, counted, duration, iso, one_line

AT = datetime(2026, 11, 23, 10, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.9, "1 min"),
        (3_599.9, "1 h"),
        (7_200, "2 h"),
        (86_400, "1 d"),
        (864_000, "10 d"),
    ],
)
def test_a_duration_is_shown_in_its_largest_unit(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 rows"), (1, "1 row"), (1_234_567, "1,234,567 rows")]
)
def test_a_count_agrees_with_its_noun(count, text):
    assert counted(count, "row") == text


def test_times_are_shown_in_utc():
    india = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert iso(india) == "2026-11-23T10:00:00.123Z"
    assert clock(india) == "2026-11-23 10:00:00Z"


def test_no_time_is_null_for_programs_and_blank_for_people():
    assert (iso(None), clock(None), age(None)) == (None, "", "")


def test_an_age_is_never_negative_when_clocks_differ():
    assert age(datetime.now(UTC) + timedelta(seconds=30)) == "0 s"


def test_columns_are_two_blanks_apart_and_numbers_end_together():
    assert aligned([("name", "count"), ("a", "7"), ("long name", "1,000")], right=[1]) == [
        "name       count",
        "a              7",
        "long name  1,000",
    ]


def test_text_from_outside_stays_on_one_line_and_moves_no_cursor():
    assert one_line("two\nlines \x1b[2J gone") == r"two lines \u001b[2J gone"
    assert one_line(None) == ""
