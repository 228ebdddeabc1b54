"""Hours of a week by the local clock, as a person writes them: `mon-sat 09:00-21:00`. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from issuance.errors import ExplainedError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST_NAME = 3
_DAY = 24 * 60
_WEEK = 7 * _DAY

_Stretch = tuple[int, int]
"""From a minute of the week up to, but not including, another one; Monday 00:00 is 0."""


class WindowError(ExplainedError):
    """A window or its time zone cannot be read."""


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The minutes of a week in which something may happen.

    Attributes:
        stretches: disjoint and in order; none touches the next, except over the end of the week.
    """

    stretches: tuple[_Stretch, ...]

    @property
    def is_always(self) -> bool:
        """Whether the hours are the whole week."""
        return self.stretches == ((0, _WEEK),)

    @property
    def text(self) -> str:
        """The hours in one fixed spelling: equal hours have equal texts, which parse again."""
        of_days: dict[str, list[int]] = {}
        for day, spans in enumerate(_by_first_day(self.stretches)):
            if spans:
                of_days.setdefault(",".join(spans), []).append(day)
        return "; ".join(f"{_write_days(days)} {spans}" for spans, days in of_days.items())

    def include(self, local: datetime) -> bool:
        """Whether a local time is in these hours."""
        return any(opens <= _minute(local) < closes for opens, closes in self.stretches)

    def until_change(self, local: datetime) -> timedelta:
        """Return how long the clock must run from a local time until the hours begin or end.

        They must not be the whole week.
        """
        boundaries = {minute % _WEEK for stretch in self.stretches for minute in stretch}
        if _touch_over_the_end(self.stretches):
            boundaries.discard(0)
        into_minute = timedelta(seconds=local.second, microseconds=local.microsecond)
        minutes = min((each - _minute(local) - 1) % _WEEK + 1 for each in boundaries)
        return timedelta(minutes=minutes) - into_minute


def parse_hours(text: str) -> WeeklyHours:
    """Read hours such as `mon-fri 09:00-12:00,14:00-18:00; sat 10:00-14:00` or `22:00-02:00`.

    Without days they are the hours of every day. A span that ends before it begins lasts until the
    next day, and belongs to the day on which it begins.

    Raises:
        WindowError: the text is not that.
    """
    words = re.findall(r";|[^\s,;]+", re.sub("\\s*[-\u2013]\\s*", "-", text.lower()))
    groups = [*_group(words)]
    if not groups:
        raise _wrong(text, "it names no hours")
    if len(groups) > 1 and any(not days for days, _ in groups):
        raise _wrong(text, "it has several parts, and one of them names no day")
    found: list[_Stretch] = []
    for days, spans in groups:
        if not spans:
            raise _wrong(text, f"{','.join(days)} has no hours")
        starts = {day for word in days for day in _read_days(word, text)} or range(len(DAYS))
        read = [_read_span(word, text) for word in spans]
        found += [
            (day * _DAY + opens, day * _DAY + closes) for day in starts for opens, closes in read
        ]
    return WeeklyHours(_join(found))


def _wrong(text: str, reason: str) -> WindowError:
    return WindowError(
        f"window {text!r}: {reason}. Write days and hours like mon-sat 09:00-21:00, or several: "
        "mon-fri 09:00-12:00,14:00-18:00; sat 10:00-14:00"
    )


def _group(words: Iterable[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Split into parts of days and spans: a part ends at `;`, and where a day follows a span."""
    days: list[str] = []
    spans: list[str] = []
    for word in [*words, ";"]:
        is_span = word[0].isdigit()
        if word == ";" or (spans and not is_span):
            if days or spans:
                yield days, spans
            days, spans = [], []
        if word != ";":
            (spans if is_span else days).append(word)


def _read_days(word: str, text: str) -> Iterator[int]:
    first, *rest = word.split("-")
    if len(rest) > 1:
        raise _wrong(text, f"{word} is not a day or a range of days")
    start = _read_day(first, text)
    count = (_read_day(rest[0], text) - start) % len(DAYS) if rest else 0
    return ((start + each) % len(DAYS) for each in range(count + 1))


def _read_day(word: str, text: str) -> int:
    for day, name in enumerate(_NAMES):
        if len(word) >= _SHORTEST_NAME and name.startswith(word):
            return day
    raise _wrong(text, f"{word!r} is not a day ({', '.join(DAYS)})")


def _read_span(word: str, text: str) -> _Stretch:
    found = re.fullmatch(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", word, re.ASCII)
    if found is None:
        raise _wrong(text, f"{word} is not a span of hours")
    hour, minute, to_hour, to_minute = map(int, found.groups())
    opens, closes = hour * 60 + minute, to_hour * 60 + to_minute
    if max(minute, to_minute) >= 60 or opens >= _DAY or closes > _DAY:  # noqa: PLR2004
        raise _wrong(text, f"{word} has a time that does not exist")
    if opens == closes:
        raise _wrong(text, f"{word} is empty; the whole day is 00:00-24:00")
    return (opens, closes) if opens < closes else (opens, closes + _DAY)


def _join(found: Iterable[_Stretch]) -> tuple[_Stretch, ...]:
    within = [
        part
        for opens, closes in found
        for part in ((opens, min(closes, _WEEK)), (0, max(0, closes - _WEEK)))
        if part[0] < part[1]
    ]
    joined: list[_Stretch] = []
    for opens, closes in sorted(within):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return tuple(joined)


def _touch_over_the_end(stretches: tuple[_Stretch, ...]) -> bool:
    return stretches[0][0] == 0 and stretches[-1][1] == _WEEK


def _minute(local: datetime) -> int:
    return local.weekday() * _DAY + local.hour * 60 + local.minute


def _by_first_day(stretches: tuple[_Stretch, ...]) -> list[list[str]]:
    """Write spans under the day on which each begins; longer than a day, they end at midnight."""
    whole = list(stretches)
    if _touch_over_the_end(stretches) and len(whole) > 1:
        (_, closes), *whole = whole
        whole[-1] = (whole[-1][0], _WEEK + closes)
    parts: list[_Stretch] = []
    for opens, closes in whole:
        start = opens
        while closes - opens >= _DAY and (midnight := start - start % _DAY + _DAY) < closes:
            parts.append((start, midnight))
            start = midnight
        parts.append((start, closes))
    of_days: list[list[str]] = [[] for _ in DAYS]
    for opens, closes in sorted(
        (opens % _WEEK, opens % _WEEK + closes - opens) for opens, closes in parts
    ):
        day, start = divmod(opens, _DAY)
        end = closes - day * _DAY
        of_days[day].append(
            f"{_write_time(start)}-{_write_time(end if end <= _DAY else end - _DAY)}"
        )
    return of_days


def _write_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _write_days(days: list[int]) -> str:
    ranges: list[list[int]] = []
    for day in days:
        if ranges and ranges[-1][1] == day - 1:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    return ",".join(
        DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}" for first, last in ranges
    )
