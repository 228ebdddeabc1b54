"""Used-up limits begin again at midnight of the brand's day."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.limit_windows import begins_again, is_same_day, limit_window_seconds

KOLKATA = ZoneInfo("Asia/Kolkata")

ZONES = st.sampled_from([UTC, KOLKATA])
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=ZONES)  # noqa: DTZ001
WINDOWS = {
    "Max limit for the DAYS is reached. Allowed limit is 1 For Level CUSTOMER": "day",
    "max limit for the day": "day",
    "Max limit for the WEEKS is reached": "week",
    "Max limit for the MONTHS is reached": "month",
    "limit for the MONTH": "month",
    "": "day",
    "someDAYS MONTHSLY": "day",
}


def boundary_before(moment, window):
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "week":
        return midnight - timedelta(days=midnight.isoweekday() - 1)
    return midnight.replace(day=1) if window == "month" else midnight


@given(moments, st.sampled_from(sorted(WINDOWS)), st.integers())
def test_a_limit_window_ends_in_the_future_at_its_boundary(now, message, seed):
    window = WINDOWS[message]
    jitter = Random(seed).uniform(5, 600)
    delay = limit_window_seconds(message, now, Random(seed))
    assert delay > 0
    end = now + timedelta(seconds=delay - jitter)
    landed = boundary_before(end + timedelta(seconds=1), window)  # a second for rounding of floats
    assert abs((landed - end).total_seconds()) < 0.01
    assert landed > now
    assert boundary_before(now, window) == boundary_before(
        landed - timedelta(microseconds=1), window
    )


@pytest.mark.parametrize(("message", "days"), [("DAYS", 1), ("WEEKS", 7), ("MONTHS", 30)])
def test_a_window_that_has_just_started_is_waited_for_completely(message, days):
    start = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday and the first of a month of 30 days
    assert 5 <= limit_window_seconds(message, start, Random(1)) - days * 86_400 <= 600


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        ("2026-11-23T12:00", "Asia/Kolkata", 6.5),  # 17:30 there
        ("2026-11-23T20:00", "Asia/Kolkata", 22.5),  # its next day has begun
        ("2026-03-29T00:00", "Europe/Berlin", 22),  # 01:00 of a day of 23 hours
        ("2026-10-25T00:00", "Europe/Berlin", 23),  # 02:00 of a day of 25 hours
        ("2026-10-25T01:30", "Europe/Berlin", 21.5),  # 02:30 for the second time
        ("2018-11-03T12:00", "America/Sao_Paulo", 15),  # the next day begins at 01:00
    ],
)
def test_the_next_day_begins_at_midnight_of_the_brand(now, zone, hours):
    local = datetime.fromisoformat(now).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    waits = limit_window_seconds("Max limit for the DAYS is reached", local, Random(1))
    assert 5 <= waits - hours * 3_600 <= 600


@pytest.mark.parametrize(
    ("earlier", "same"),
    [(None, False), ("2026-11-23T18:29", False), ("2026-11-23T18:30", True)],
)
def test_a_day_is_the_one_of_the_zone(earlier, same):
    now = datetime(2026, 11, 24, 23, 59, tzinfo=KOLKATA)
    earlier = earlier and datetime.fromisoformat(earlier).replace(tzinfo=UTC)
    assert is_same_day(earlier, now) is same


@pytest.mark.parametrize(
    ("message", "again"),
    [
        ("Max limit for the DAYS is reached", True),
        ("Max limit for the NO_LIMIT is reached. Allowed limit is 5 For Level REWARD", False),
        ("Max limit for the NO_LIMIT is reached Max limit for the WEEKS is reached", True),
        ("", True),
    ],
)
def test_a_limit_for_all_time_does_not_begin_again(message, again):
    assert begins_again(message) is again
