"""Reads numbers of addresses and forms."""

from operations.errors import UsageError


def read_number(text: str, name: str) -> int:
    """Read a number from 0 that a database can hold.

    Raises:
        UsageError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise UsageError(f"{name}: {text[:40]!r} is no number")
    return int(text)
