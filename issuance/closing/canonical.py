"""Canonical JSON: the same content is always the same bytes, so that it can be signed."""

import json
from hashlib import sha256
from typing import Any


def canonical(value: Any) -> bytes:
    """Write a value as UTF-8 without blanks, with sorted keys, and a line feed at its end.

    Raises:
        TypeError: it holds a float, which several spellings may mean.
    """
    _refuse_floats(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"{text}\n".encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of these bytes, as `sha256sum` prints it."""
    return sha256(content).hexdigest()


def _refuse_floats(value: Any) -> None:
    match value:
        case float():
            raise TypeError(f"{value!r} is a float: write it as text")
        case dict():
            for inner in value.values():
                _refuse_floats(inner)
        case list() | tuple():
            for inner in value:
                _refuse_floats(inner)
