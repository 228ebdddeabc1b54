"""How a reply's values are stored: whatever the API sends, each of them fits its column."""

from collections.abc import Sequence

from pydantic_core import to_json

_BIGGEST = 2**63 - 1


def stored_number(value: int | None) -> int | None:
    """Numbers that no column holds are no codes or quantities of this API."""
    return value if value is None or -_BIGGEST <= value <= _BIGGEST else None


def stored_text(text: str | None) -> str | None:
    """PostgreSQL holds no NUL in a text, and no database a lone surrogate."""
    if text is None or (text.isascii() and "\x00" not in text):
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def stored_list(texts: Sequence[str]) -> str | None:
    """A list of texts as JSON; None when it is empty."""
    return to_json([stored_text(text) for text in texts]).decode() if texts else None
