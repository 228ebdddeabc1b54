"""The time at which a campaign may start, as a person writes it. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from issuance.errors import ExplainedError

_SHORTEST = len("2026-11-30T09:00")


class StartTimeError(ExplainedError):
    """The time cannot be read."""


def parse_start(text: str, zone: ZoneInfo) -> datetime:
    """Read a time such as `2026-11-30 09:00` in a zone, or one with its offset; return it in UTC.

    Of an hour that daylight saving repeats, the first one is meant.

    Raises:
        StartTimeError: it is no time, or the zone's clock skips it.
    """
    given = text.strip()
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or len(given) < _SHORTEST:
        raise StartTimeError(
            f"start-at {text!r}: it is no date with a time. Write it like 2026-11-30 09:00, which "
            f"is in {zone.key}, or with an offset, like 2026-11-30T09:00+05:30"
        )
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    instant = found.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != found:
        later = instant.astimezone(zone)
        raise StartTimeError(
            f"start-at {text!r}: the clocks of {zone.key} skip this time. Give one outside the "
            f"skipped hour, for example {later:%Y-%m-%d %H:%M}"
        )
    return instant
