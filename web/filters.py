"""How numbers, times and states are written on pages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from markupsafe import Markup, escape
from pydantic_core import to_json

from issuance.details.points import points_number
from operations.formats import counted, duration, iso, one_line


def grouped(number: float) -> str:
    """Write a number with its thousands grouped."""
    return f"{number:,}"


def moment(at: datetime | None, zone: tzinfo = UTC) -> Markup:
    """Write a time in the viewer's zone, with UTC on hover; a dash for none."""
    if at is None:
        return Markup("–")  # noqa: RUF001  # a dash on the page
    local = at.astimezone(zone)
    is_today = local.date() == datetime.now(zone).date()
    shown = f"{local:%H:%M:%S}" if is_today else f"{local:%d %b %H:%M:%S}"
    return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC">{}</time>').format(
        iso(at), at.astimezone(UTC), shown
    )


def age(at: datetime | None) -> str:
    """Write how long ago a time is."""
    return "" if at is None else duration(max(0.0, (datetime.now(UTC) - at).total_seconds()))


def words(text: str) -> str:
    """Write a name from the code in words: `in_doubt` is `in doubt`."""
    return text.replace("_", " ")


def state(name: str) -> Markup:
    """Write a state as a badge; its shape differs too, not only its colour."""
    return Markup('<span class="badge {}">{}</span>').format(name.replace("_", "-"), words(name))


def command(text: str) -> Markup:
    """Show the command that does the same."""
    return Markup('<code class="command">{}</code>').format(text)


def fact(value: object) -> str:
    """Write a field of an outcome: text as it is, texts with commas, anything else as JSON."""
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return one_line(", ".join(value))
    return one_line(value if isinstance(value, str) else to_json(value).decode())


def safe_line(text: str | None) -> str:
    """Write untrusted text on one line; the template escapes it."""
    return one_line(text)


def at(seconds: float) -> datetime:
    """Return the time of a chart's point."""
    return datetime.fromtimestamp(seconds, UTC)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "grouped": grouped,
    "counted": counted,
    "moment": moment,
    "age": age,
    "at": at,
    "words": words,
    "state": state,
    "command": command,
    "points": lambda value: grouped(points_number(value)),
    "line": safe_line,
    "fact": fact,
    "duration": duration,
    "e": escape,
}
