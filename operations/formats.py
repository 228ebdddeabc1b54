"""Formats counts, times and untrusted text, for people and for programs."""

from datetime import UTC, datetime

from issuance.display import printable

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_PARTS = 2


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def rate_text(per_second: float | None) -> str:
    """Write a pace: `5/s`, or `no bound` for None."""
    return "no bound" if per_second is None else f"{per_second:g}/s"


def duration(seconds: float) -> str:
    """Write a duration in its largest unit: `12 s`, `3 min`, `2 h`, `5 d`."""
    whole = round(seconds)
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole / size:.0f} {unit}"
    return f"{whole} s"


def lasting(seconds: float) -> str:
    """Write a duration in its two largest units: `12 s`, `7 min 55 s`, `2 h 5 min`, `3 d 4 h`."""
    left, parts = round(seconds), list[str]()
    for size, unit in (*_UNITS, (1, "s")):
        if left >= size and len(parts) < _PARTS:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts) or "0 s"


def time_of_day(instant: datetime, now: datetime) -> str:
    """Write a time for people: `18:34:23Z`, and with its date if that is not today's."""
    at = instant.astimezone(UTC)
    if at.date() == now.astimezone(UTC).date():
        return f"{at:%H:%M:%SZ}"
    return f"{at:%Y-%m-%d %H:%MZ}"


def iso(instant: datetime | None) -> str | None:
    """Write a time for programs: ISO 8601 in UTC with milliseconds, `2026-11-23T10:00:00.000Z`."""
    return (
        None
        if instant is None
        else instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    )


def clock(instant: datetime | None) -> str:
    """Write a time for people: `2026-11-23 10:00:00Z`; "" for None."""
    return "" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def one_line(text: str | None) -> str:
    """Make untrusted text safe for one line of a terminal: nothing in it moves the cursor."""
    return printable(" ".join((text or "").split()))
