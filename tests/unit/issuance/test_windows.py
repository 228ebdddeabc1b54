"""A campaign's window in a time zone: daylight saving, midnight and the next opening."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issuance.weekly_hours import WindowError
from issuance.windows import parse_timezone, parse_window, stored_window

MINUTE = timedelta(minutes=1)


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_is_open_from_its_first_instant_to_just_before_its_last():
    window = parse_window("mon-sat 09:00-21:00", "Asia/Kolkata")
    assert (window.text, window.timezone) == ("mon-sat 09:00-21:00", "Asia/Kolkata")
    opens, closes = at("2026-11-28T09:00", "Asia/Kolkata"), at("2026-11-28T21:00", "Asia/Kolkata")
    instant = timedelta(microseconds=1)
    assert [
        window.is_open(each) for each in (opens - instant, opens, closes - instant, closes)
    ] == [
        False,
        True,
        True,
        False,
    ]
    assert window.opens_at(opens - instant) == opens
    assert window.closes_at(opens) == window.closes_at(closes - instant) == closes
    assert window.opens_at(closes) == at("2026-11-30T09:00", "Asia/Kolkata")  # after the Sunday
    assert window.opens_at(opens + MINUTE) == opens + MINUTE
    assert window.closes_at(closes + MINUTE) == closes + MINUTE
    assert window.opens_at(closes).tzinfo is UTC


@pytest.mark.parametrize(
    ("since", "opened"),
    [
        ("2026-11-28T12:00", "2026-11-28T12:00"),
        ("2026-11-28T08:00", "2026-11-28T09:00"),
        ("2026-11-01T12:00", "2026-11-28T09:00"),
    ],
)
def test_a_window_says_since_when_it_has_been_open(since, opened):
    window = parse_window("mon-sat 09:00-21:00")
    assert window.open_since(utc("2026-11-28T20:59"), utc(since)) == utc(opened)
    assert window.open_since(utc("2026-11-28T21:00"), utc(since)) is None


def test_a_window_that_never_closes_has_always_been_open():
    start = utc("2026-11-01T00:00")
    assert parse_window("00:00-24:00").open_since(utc("2026-11-28T12:00"), start) == start


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-28T10:00", "2026-11-28T12:00", 2),
        ("2026-11-28T08:00", "2026-11-28T22:00", 12),
        ("2026-11-28T20:00", "2026-11-30T10:00", 2),  # Sunday is closed
        ("2026-11-28T21:00", "2026-11-30T09:00", 0),
        ("2026-11-23T00:00", "2026-11-30T00:00", 72),
    ],
)
def test_the_time_in_which_a_window_is_open_adds_up(since, until, hours):
    window = parse_window("mon-sat 09:00-21:00")
    assert window.open_time(utc(since), utc(until)) == timedelta(hours=hours)
    assert parse_window("00:00-24:00").open_time(utc(since), utc(until)) == utc(until) - utc(since)


def test_a_stored_window_that_cannot_be_read_is_none():
    assert stored_window("09:00-21:00", "Mars/Base") is None
    assert stored_window("09:00-21:00", None).timezone == "UTC"
    assert stored_window("09:00-21:00", "Asia/Kolkata").timezone == "Asia/Kolkata"


def test_the_next_opening_is_described_by_the_local_clock():
    window = parse_window("mon-sat 09:00-21:00", "Asia/Kolkata")
    assert window.opening(utc("2026-11-28T16:00")) == "mon 09:00"
    assert window.opening(utc("2026-11-28T05:00")) == "sat 10:30"


def test_an_overnight_window_belongs_to_the_day_on_which_it_begins():
    window = parse_window("fri 22:00-02:00", "Asia/Kolkata")
    assert not window.is_open(at("2026-11-27T01:00", "Asia/Kolkata"))
    assert window.is_open(at("2026-11-28T01:59", "Asia/Kolkata"))
    assert window.closes_at(at("2026-11-27T23:00", "Asia/Kolkata")) == at(
        "2026-11-28T02:00", "Asia/Kolkata"
    )


def test_a_window_of_the_whole_week_never_closes():
    window = parse_window("00:00-24:00", "Europe/Berlin")
    assert window.closes_at(utc("2026-03-29T00:30")) is None
    assert window.opens_at(utc("2026-03-29T00:30")) == utc("2026-03-29T00:30")


@pytest.mark.parametrize(
    ("hours", "start", "opens", "closes"),
    [
        # 29 March 2026 in Berlin: the clock goes from 02:00 to 03:00 at 01:00 UTC.
        ("01:00-04:00", "2026-03-29T00:00", "2026-03-29T00:00", "2026-03-29T02:00"),
        ("01:00-02:30", "2026-03-29T00:00", "2026-03-29T00:00", "2026-03-29T01:00"),
        ("02:30-04:00", "2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"),
        ("02:15-02:45", "2026-03-29T00:00", "2026-03-30T00:15", "2026-03-30T00:45"),
        # 25 October 2026: it goes from 03:00 back to 02:00 at 01:00 UTC.
        ("01:00-04:00", "2026-10-24T23:00", "2026-10-24T23:00", "2026-10-25T03:00"),
        ("02:15-02:45", "2026-10-25T00:00", "2026-10-25T00:15", "2026-10-25T00:45"),
        ("02:15-02:45", "2026-10-25T00:50", "2026-10-25T01:15", "2026-10-25T01:45"),
        ("02:30-03:00", "2026-10-25T00:45", "2026-10-25T00:45", "2026-10-25T01:00"),
        ("02:00-02:30", "2026-10-25T00:40", "2026-10-25T01:00", "2026-10-25T01:30"),
    ],
)
def test_the_local_clock_decides_when_daylight_saving_changes_it(hours, start, opens, closes):
    window = parse_window(hours, "Europe/Berlin")
    found = window.opens_at(utc(start))
    assert (found, window.closes_at(found)) == (utc(opens), utc(closes))


def test_a_day_that_a_zone_skips_does_not_open_the_window():
    # Samoa had no 30 December 2011, a Friday.
    window = parse_window("fri 09:00-10:00", "Pacific/Apia")
    assert window.opens_at(at("2011-12-29T12:00", "Pacific/Apia")) == at(
        "2012-01-06T09:00", "Pacific/Apia"
    )


ZONES = (
    "UTC",
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",  # daylight saving of half an hour
    "America/Sao_Paulo",  # had it at midnight
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
CHANGES = [  # instants around which offsets change
    utc("2026-03-29T01:00"),
    utc("2026-10-25T01:00"),
    utc("2026-03-08T05:30"),
    utc("2026-04-04T15:00"),
    utc("2018-11-04T03:00"),
    utc("2018-02-18T02:00"),
    utc("2011-12-30T10:00"),
    utc("2026-02-15T02:00"),
]
moments = st.one_of(
    st.builds(
        lambda change, hours: change + timedelta(minutes=hours),
        st.sampled_from(CHANGES),
        st.integers(-1_500, 1_500),
    ),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
texts = st.builds(
    lambda days, opens, lasts: (
        f"{days}{opens // 60:02}:{opens % 60:02}-"
        f"{(opens + lasts) % 1440 // 60:02}:{(opens + lasts) % 60:02}"
    ),
    st.sampled_from(["", "mon-sat ", "sun ", "mon,wed,fri,sun ", "sat-mon "]),
    st.integers(0, 1439),
    st.integers(1, 1439),
)


def local_minute(zone, moment):
    local = moment.astimezone(zone)
    return local.weekday(), local.hour * 60 + local.minute


def is_within(spans, day, minute):
    """Decide by the local day and minute alone."""
    return any(opens <= minute + 1440 * ((day - of) % 7) < closes for of, opens, closes in spans)


def spans(text):
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    for part in text.split("; "):
        days, _, times = part.partition(" ")
        for span in times.split(","):
            opens, closes = (int(each[:2]) * 60 + int(each[3:]) for each in span.split("-"))
            for each in days.split(","):
                start, _, last = each.partition("-")
                for day in range(names.index(start), names.index(last or start) + 1):
                    yield day, opens, closes if closes > opens else closes + 1440


@settings(max_examples=30)
@given(texts, st.sampled_from(ZONES), moments)
def test_opening_and_closing_agree_with_a_clock_that_is_read_every_minute(text, zone, moment):
    window = parse_window(text, zone)
    open_spans, zone_info = [*spans(window.text)], ZoneInfo(zone)

    def is_open(instant):
        return is_within(open_spans, *local_minute(zone_info, instant))

    was_open = is_open(moment)
    minute = moment.replace(second=0, microsecond=0) + MINUTE
    while is_open(minute) is was_open:
        minute += MINUTE
    assert window.is_open(moment) is was_open
    assert window.opens_at(moment) == (moment if was_open else minute)
    assert window.closes_at(moment) == (minute if was_open else moment)


@pytest.mark.parametrize("name", ["", "IST", "../etc/passwd", "America", "a b"])
def test_an_unknown_time_zone_names_its_value_and_the_remedy(name):
    with pytest.raises(WindowError) as caught:
        parse_timezone(name)
    assert str(caught.value).startswith(f"timezone {name!r}: no such time zone. Give an IANA name")


def test_blanks_around_a_time_zone_do_not_matter():
    assert parse_window("09:00-10:00", " Asia/Kolkata ").timezone == "Asia/Kolkata"
