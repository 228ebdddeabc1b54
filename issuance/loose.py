"""Reads values that the API writes in several ways; an odd value reads as None or empty."""

from typing import Any

_LARGEST = 2**63 - 1  # the largest integer a database holds


def loose_whole(value: Any) -> int | None:
    """Read a number, or a string that holds one, as an integer; None if not, or beyond 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    for read in (int, float):
        try:
            number = int(read(value))
        except (ValueError, OverflowError):
            continue
        return number if abs(number) <= _LARGEST else None
    return None


def loose_text(value: Any) -> str | None:
    """Read an id, written as a number or as text."""
    if type(value) is str and "\x00" not in value:
        return value  # nearly always
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        # PostgreSQL cannot store NUL in text.
        return str(value).replace("\x00", "")
    except ValueError:
        # A number with thousands of digits is not an id.
        return None


def loose_map(value: Any) -> dict[str, Any]:
    """Read an object; anything else reads as an empty one."""
    return value if isinstance(value, dict) else {}


def loose_maps(value: Any) -> list[dict[str, Any]]:
    """Read a list of objects, or one object as a list of one; anything else is left out."""
    return [item for item in loose_list(value) if isinstance(item, dict)]


def loose_list(value: Any) -> list[Any]:
    """Read a list, or one value as a list of one."""
    return value if isinstance(value, list) else [value]
