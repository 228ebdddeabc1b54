"""Takes off what an edge puts around a JSON body: BOM, charset, guards, what a cache appends."""

import codecs
import json
from collections.abc import Callable
from email.message import Message

_BLANKS = " \t\r\n\0\ufeff"
# Prefixes that keep browsers from running JSON as a script.
_GUARDS = (")]}',", ")]}'", "while(1);", "for(;;);")
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Character sets only: Python's other codecs do work that an answer must not ask for.
_CHARSETS = ("utf-16", "utf-32", "iso8859", "cp", "koi8", "gb", "big5", "shift_jis", "euc")


def unwrap(body: bytes, content_type: Callable[[], str | None]) -> bytes:
    """Return the JSON object in a body as UTF-8, or the body itself if there is none.

    Args:
        body: decompressed.
        content_type: reads the header, which only names the charset. It is rarely needed.
    """
    if body[:1] == b"{" and body[-1:] == b"}" and _is_utf8(body):
        return body
    text = _decode(body, content_type)
    return (text and _find_object(text)) or body


def holds_an_answer(body: bytes) -> bool:
    """Return whether the bytes are one whole JSON object that says something."""
    try:
        return bool(json.loads(body)) and body.startswith(b"{")
    except (ValueError, RecursionError):
        return False


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(body: bytes, content_type: Callable[[], str | None]) -> str | None:
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return _decode_as(body, codec)
    if b"\0" not in body[:4] and _is_utf8(body):  # JSON is UTF-8, whatever the header says
        return body.decode()
    declared = _charset(content_type())
    text = _decode_as(body, declared) if declared else None
    return text or _decode_as(body, json.detect_encoding(body))


def _charset(content_type: str | None) -> str | None:
    header = Message()
    header["Content-Type"] = content_type or ""
    charset = header.get_content_charset()
    try:
        name = codecs.lookup(charset).name if charset else ""
    except (LookupError, ValueError):
        return None
    return name if name.startswith(_CHARSETS) else None


def _decode_as(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except (ValueError, LookupError):
        return None


def _find_object(text: str) -> bytes | None:
    text = text.lstrip(_BLANKS)
    for guard in _GUARDS:
        text = text.removeprefix(guard)
    text = text.lstrip(_BLANKS)
    if not text.startswith("{"):
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text)
        body = text[:end].encode()
    except (ValueError, RecursionError):
        return None
    rest = text[end:].strip(_BLANKS + ";")
    # A cache's comment or a page's end may follow, but no second answer.
    return body if not rest or rest.startswith("<") else None
