"""Start times: with an offset, or by the clock of a zone, daylight saving included."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from issuance.start_time import StartTimeError, parse_start

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "hour", "minute"),
    [
        ("2026-11-30 09:00", KOLKATA, 3, 30),
        (" 2026-11-30T09:00:00 ", KOLKATA, 3, 30),
        ("2026-11-30T09:00+05:30", BERLIN, 3, 30),
        ("2026-11-30T03:30Z", BERLIN, 3, 30),
        ("2026-10-25 02:30", BERLIN, 0, 30),  # repeated: the first one
    ],
)
def test_a_time_is_read_in_its_zone(text, zone, hour, minute):
    found = parse_start(text, zone)
    assert (found.tzinfo, found.hour, found.minute) == (UTC, hour, minute)


@pytest.mark.parametrize("text", ["", "tomorrow", "09:00", "2026-11-30", "2026-13-30 09:00"])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(StartTimeError, match="Write it like 2026-11-30 09:00, which is in Asia"):
        parse_start(text, KOLKATA)


def test_a_time_that_the_clocks_skip_is_refused_with_the_next_one():
    with pytest.raises(StartTimeError, match="for example 2026-03-29 03:30"):
        parse_start("2026-03-29 02:30", BERLIN)
    assert parse_start("2026-03-29 03:30", BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
