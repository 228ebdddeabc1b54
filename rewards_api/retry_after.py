"""The `Retry-After` header: seconds or an HTTP date, converted to seconds from now."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_retry_after(
    value: str | None, now: datetime, answer_date: str | None = None
) -> float | None:
    """Read the header's value as seconds from now, at least 0; None when absent or unreadable.

    Args:
        value: of the header.
        now: by this machine's clock, which may be wrong.
        answer_date: the answer's `Date` header: the API's clock, which a date is relative to.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = _read_date(value)
        present = (_read_date(answer_date) if answer_date else None) or now
        return max(0.0, (date - present).total_seconds()) if date else None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _read_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
