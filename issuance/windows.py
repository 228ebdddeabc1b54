"""A campaign's window: the local hours of the week in which its calls may start. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from issuance.weekly_hours import DAYS, WeeklyHours, WindowError, parse_hours

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the week in a time zone.

    The local clock alone decides: an hour that daylight saving skips does not open the window, and
    one that it repeats is open twice.

    Attributes:
        hours: by the local clock.
        zone: an IANA time zone.
    """

    hours: WeeklyHours
    zone: ZoneInfo

    @property
    def text(self) -> str:
        """The hours in their one fixed spelling, without the time zone."""
        return self.hours.text

    @property
    def timezone(self) -> str:
        """The zone's IANA name."""
        return self.zone.key

    def is_open(self, at: datetime) -> bool:
        """Whether calls may start at an instant."""
        return self.hours.include(at.astimezone(self.zone))

    def opens_at(self, at: datetime) -> datetime:
        """Return the first instant from `at` on at which it is open, in UTC."""
        return self._first(at, is_open=True)

    def opening(self, at: datetime) -> str:
        """Say when it opens next by its local clock: `mon 09:00`."""
        local = self.opens_at(at).astimezone(self.zone)
        return f"{DAYS[local.weekday()]} {local:%H:%M}"

    def closes_at(self, at: datetime) -> datetime | None:
        """Return the first instant from `at` on at which it is closed, in UTC; None: never."""
        return None if self.hours.is_always else self._first(at, is_open=False)

    def open_since(self, at: datetime, since: datetime) -> datetime | None:
        """Return from when on it has been open until `at`, in UTC; None: it is closed at `at`.

        Args:
            at: an instant.
            since: an earlier one; the result is not before it.
        """
        opened = self.opens_at(since)
        while (closes := self.closes_at(opened)) is not None and closes <= at:
            opened = self.opens_at(closes)
        return opened if opened <= at else None

    def open_time(self, since: datetime, until: datetime) -> timedelta:
        """Return how long it is open between two instants, the earlier one first."""
        opened, total = self.opens_at(since), timedelta()
        while opened < until:
            closes = self.closes_at(opened)
            if closes is None or closes >= until:
                return total + (until - opened)
            total += closes - opened
            opened = self.opens_at(closes)
        return total

    def _first(self, at: datetime, *, is_open: bool) -> datetime:
        stretches = self._stretches(at.astimezone(UTC))
        while True:
            start, end = next(stretches)
            local = start.astimezone(self.zone)
            if self.hours.include(local) is is_open:
                return start
            change = start + self.hours.until_change(local)
            if change < end:
                return change

    def _stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Divide the time from an instant on into stretches in which the zone's offset is fixed."""
        while True:
            end = start + _DAY
            if self._offset(end) != self._offset(start):
                end = self._transition(start.replace(microsecond=0), end)
            yield start, end
            start = end

    def _transition(self, before: datetime, after: datetime) -> datetime:
        """Find the first second with another offset than `before`."""
        low, high = 0, int((after - before) / _SECOND) + 1
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(before + middle * _SECOND) == self._offset(before):
                low = middle
            else:
                high = middle
        return before + high * _SECOND

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.zone).utcoffset()


@lru_cache(maxsize=1_024)
def stored_window(text: str, timezone: str | None) -> Window | None:
    """Read a window from the ledger; None if it cannot be read, and then no call may start."""
    try:
        return parse_window(text, timezone or "UTC")
    except WindowError:
        return None


def parse_window(text: str, timezone: str = "UTC") -> Window:
    """Read a window such as `mon-sat 09:00-21:00` in `Asia/Kolkata`; see `parse_hours`.

    Raises:
        WindowError: the hours or the time zone cannot be read.
    """
    return Window(parse_hours(text), parse_timezone(timezone))


def parse_timezone(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name.

    Raises:
        WindowError: there is no such zone.
    """
    try:
        return ZoneInfo(name.strip())
    except (ValueError, OSError, KeyError):
        raise WindowError(
            f"timezone {name!r}: no such time zone. Give an IANA name, for example Asia/Kolkata"
        ) from None
