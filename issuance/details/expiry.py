"""When a voucher expires: as the API writes it, and as an instant (rewards-api §4.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Any

_LENGTH_OF_A_DAY = len("2027-01-01")
_LAST_SECOND = time(23, 59, 59)


def given_expiry(fields: Mapping[str, Any]) -> str | None:
    """Return a unit's expiry as it came: a coupon's `codeExpiry`, or a vendor's `valid_till`."""
    for name in ("codeExpiry", "valid_till"):
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def expires_at(fields: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    """Return when a unit expires, in UTC; None if it does not say, or not readably.

    Args:
        fields: the unit's. `codeExpiryDateTime` is an instant; the others are local times.
        zone: the account's time zone. A day without a time ends with its last second there.
    """
    for value in (fields.get("codeExpiryDateTime"), given_expiry(fields)):
        found = _read(value, zone) if isinstance(value, str) else None
        if found is not None:
            return found
    return None


def _read(text: str, zone: tzinfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
        if len(text.strip()) == _LENGTH_OF_A_DAY:
            found = datetime.combine(found, _LAST_SECOND)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_time(text: str) -> bool:
    """Whether a text is a date or a time, so that it can be nothing else."""
    return _read(text, UTC) is not None
