"""Makes any value of a reply fit its column."""

from collections.abc import Sequence

from pydantic_core import to_json

_BIGGEST = 2**63 - 1


def stored_number(value: int | None) -> int | None:
    """Drop a number that no column can hold: it is no code or quantity of this API."""
    return value if value is None or -_BIGGEST <= value <= _BIGGEST else None


def stored_text(text: str | None) -> str | None:
    """Replace what a database cannot store: NUL (PostgreSQL) and lone surrogates (both)."""
    if text is None or (text.isascii() and "\x00" not in text):
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def stored_list(texts: Sequence[str]) -> str | None:
    """Return a list of texts as JSON; None when it is empty."""
    return to_json([stored_text(text) for text in texts]).decode() if texts else None
