"""Hours of a week: as people write them, in one fixed spelling, and minute by minute."""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from issuance.weekly_hours import DAYS, WeeklyHours, WindowError, parse_hours

MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - by the local clock
WEEK_MINUTES = 7 * 24 * 60


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("mon-sat 09:00-21:00", "mon-sat 09:00-21:00"),
        ("Monday - Saturday 9:00 \u2013 21:00", "mon-sat 09:00-21:00"),
        ("09:00-21:00", "mon-sun 09:00-21:00"),
        ("09:00-12:00, 14:00-18:00", "mon-sun 09:00-12:00,14:00-18:00"),
        ("09:00-12:00 14:00-18:00", "mon-sun 09:00-12:00,14:00-18:00"),
        (
            "mon-fri 09:00-12:00,14:00-18:00; sat 10:00-14:00",
            "mon-fri 09:00-12:00,14:00-18:00; sat 10:00-14:00",
        ),
        ("mon-fri 09:00-18:00, sat 10:00-14:00", "mon-fri 09:00-18:00; sat 10:00-14:00"),
        ("sat 10:00-14:00; mon-fri 09:00-18:00;", "mon-fri 09:00-18:00; sat 10:00-14:00"),
        ("mon,wed,fri 09:00-18:00", "mon,wed,fri 09:00-18:00"),
        ("sat-mon 10:00-12:00", "mon,sat-sun 10:00-12:00"),
        ("tues 10:00-12:00", "tue 10:00-12:00"),
        ("22:00-02:00", "mon-sun 22:00-02:00"),
        ("sun 22:00-02:00", "sun 22:00-02:00"),
        ("fri 22:00-24:00; sat 00:00-02:00", "fri 22:00-02:00"),
        ("fri 22:00-00:00", "fri 22:00-24:00"),
        ("00:00-24:00", "mon-sun 00:00-24:00"),
        ("sat-sun 00:00-24:00", "sat-sun 00:00-24:00"),
        ("mon 09:00-24:00; tue 00:00-09:00", "mon 09:00-24:00; tue 00:00-09:00"),
        ("mon 09:00-12:00; mon 11:00-13:00", "mon 09:00-13:00"),
        ("mon 09:00-12:00; mon 12:00-13:00", "mon 09:00-13:00"),
    ],
)
def test_hours_have_one_spelling(typed, text):
    assert parse_hours(typed).text == text
    assert parse_hours(text) == parse_hours(typed)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "it names no hours"),
        (" ; , ", "it names no hours"),
        ("mon-sat", "mon-sat has no hours"),
        ("mon; tue 09:00-10:00", "mon has no hours"),
        ("mon 09:00-10:00; 11:00-12:00", "one of them names no day"),
        ("mo 09:00-10:00", "'mo' is not a day (mon, tue, wed, thu, fri, sat, sun)"),
        ("every day 09:00-10:00", "'every' is not a day"),
        ("mon-tue-wed 09:00-10:00", "mon-tue-wed is not a day or a range of days"),
        ("mon- 09:00-10:00", "mon-09:00-10:00 has no hours"),
        ("mon 9-21", "9-21 is not a span of hours"),
        ("mon 09:00", "09:00 is not a span of hours"),
        ("mon \u0660\u0669:00-10:00", "is not a span of hours"),
        ("mon 09:60-10:00", "09:60-10:00 has a time that does not exist"),
        ("mon 09:00-24:01", "09:00-24:01 has a time that does not exist"),
        ("mon 24:00-01:00", "24:00-01:00 has a time that does not exist"),
        ("mon 09:00-09:00", "09:00-09:00 is empty; the whole day is 00:00-24:00"),
    ],
)
def test_hours_that_cannot_be_read_say_what_is_wrong_and_how_to_write_them(typed, reason):
    with pytest.raises(WindowError) as caught:
        parse_hours(typed)
    message = str(caught.value)
    assert message.startswith(f"window {typed!r}: ")
    assert reason in message
    assert "mon-sat 09:00-21:00" in message


minutes = st.integers(0, 24 * 60)
spans = st.tuples(st.integers(0, 24 * 60 - 1), minutes).filter(lambda span: span[0] != span[1])
groups = st.tuples(st.sets(st.integers(0, 6), min_size=1), st.lists(spans, min_size=1, max_size=3))
written = st.lists(groups, min_size=1, max_size=4)


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def write(parts):
    return "; ".join(
        ",".join(DAYS[day] for day in sorted(days))
        + " "
        + ",".join(f"{clock(opens)}-{clock(closes)}" for opens, closes in times)
        for days, times in parts
    )


def open_minutes(parts):
    """Count minute by minute, without intervals."""
    found = set()
    for days, times in parts:
        for day in days:
            for opens, closes in times:
                minute = opens
                while minute != closes and not (closes == 0 and minute == 24 * 60):
                    found.add((day * 24 * 60 + minute) % WEEK_MINUTES)
                    minute += 1
                    if minute == 24 * 60 and closes < opens:
                        found |= {
                            ((day + 1) * 24 * 60 + each) % WEEK_MINUTES for each in range(closes)
                        }
                        break
    return found


@settings(max_examples=20)
@given(written)
def test_hours_include_exactly_the_minutes_that_the_text_names(parts):
    hours = parse_hours(write(parts))
    expected = open_minutes(parts)
    found = {
        minute
        for minute in range(WEEK_MINUTES)
        if hours.include(MONDAY + timedelta(minutes=minute, seconds=59, microseconds=999_999))
    }
    assert found == expected
    assert hours.is_always is (len(expected) == WEEK_MINUTES)


@given(written)
def test_the_fixed_spelling_names_the_same_hours(parts):
    hours = parse_hours(write(parts))
    assert parse_hours(hours.text) == hours
    assert parse_hours(hours.text).text == hours.text


@settings(max_examples=40)
@given(written, st.integers(0, WEEK_MINUTES - 1), st.timedeltas(timedelta(), timedelta(seconds=59)))
def test_the_next_change_is_the_first_minute_that_differs(parts, minute, into):
    hours = parse_hours(write(parts))
    assume(not hours.is_always)
    is_open = open_minutes(parts)
    ahead = next(
        each
        for each in range(1, WEEK_MINUTES + 1)
        if ((minute + each) % WEEK_MINUTES in is_open) != (minute in is_open)
    )
    local = MONDAY + timedelta(minutes=minute) + into
    assert hours.until_change(local) == timedelta(minutes=ahead) - into


def test_equal_hours_are_equal_values():
    assert parse_hours("mon 09:00-10:00") == WeeklyHours(((540, 600),))
