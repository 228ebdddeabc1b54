"""The wait for a used-up limit (12005) to begin again, at midnight of the brand's day. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from random import Random

_JITTER_SECONDS = 600.0
_CLOCKS_DIFFER_SECONDS = 5.0
"""At least this long after midnight, for an API whose clock is behind ours."""


def begins_again(message: str) -> bool:
    """Whether one of the used-up limits begins again: one for all time (NO_LIMIT) does not."""
    return "NO_LIMIT" not in message.upper() or bool(_units(message))


def limit_window_seconds(message: str, now: datetime, rng: Random) -> float:
    """Seconds until the window named in a 12005 message ends, plus up to ten minutes of jitter.

    "Max limit for the DAYS is reached" waits for the next day, WEEKS for Monday, MONTHS for the
    first of the month; an unnamed window counts as a day. Of several windows the longest counts.

    Args:
        message: the API's, of one or more lines.
        now: the time in the brand's zone, where these days begin.
        rng: the source of jitter.
    """
    today = now.date()
    units = _units(message)
    if "MONTH" in units:
        day = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    elif "WEEK" in units:
        day = today + timedelta(days=7 - today.weekday())
    else:
        day = today + timedelta(days=1)
    # In UTC: a local difference would count an hour too many where daylight saving ends.
    midnight = datetime.combine(day, time(), now.tzinfo).astimezone(UTC)
    wait = (midnight - now.astimezone(UTC)).total_seconds()
    return wait + rng.uniform(_CLOCKS_DIFFER_SECONDS, _JITTER_SECONDS)


def _units(message: str) -> set[str]:
    return set(re.findall(r"\b(DAY|WEEK|MONTH)S?\b", message.upper()))


def is_same_day(earlier: datetime | None, now: datetime) -> bool:
    """Whether an earlier instant was on the day of `now`, in the zone of `now`; None was not."""
    return earlier is not None and earlier.astimezone(now.tzinfo).date() == now.date()
