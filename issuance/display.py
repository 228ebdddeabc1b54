"""Show values from a file to an operator: short, printable, with identifiers masked."""

import re

_LONGEST_SHOWN = 40
_LONGEST_TAIL = 4
_MOBILE_LIKE = re.compile(r"\+?[0-9]{10,15}(\.0)?")


def mask(identifier: str) -> str:
    """Show at most the last 4 characters of an identifier, and never more than half of it."""
    tail = min(_LONGEST_TAIL, len(identifier) // 2)
    return "…" + printable(identifier[len(identifier) - tail :])


def show(value: str) -> str:
    """Quote at most 40 characters of a value.

    Mobiles and e-mail addresses are masked in every column: in a row whose columns have shifted,
    identifiers are in the wrong place.
    """
    if "@" in value or _MOBILE_LIKE.fullmatch(value.strip()):
        return mask(value)
    return f"'{shorten(value)}'"


def shorten(value: str) -> str:
    """Cut to 40 printable characters."""
    cut = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
    return printable(cut)


def printable(value: str) -> str:
    """Escape characters that would move a terminal's cursor or that UTF-8 cannot encode."""
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in value)
