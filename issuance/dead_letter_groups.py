"""Groups of dead letters: the API's message without what differs between customers."""

import re
from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b

from issuance.masking import hide

PATTERN_MOST = 200
"""Characters of a pattern; what follows does not separate groups."""
_DIGEST_BYTES = 16

_QUOTED = re.compile(
    r'"[^"]*"|`[^`]*`|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019|\xab[^\xbb]*\xbb'
    r"|(?<!\w)'[^']*'(?!\w)"
)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:=]+@[^\s@<>()\[\],;]+")
_DATE = re.compile(
    r"(?<!\w)\d{4}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\w)"
    r"|(?<!\w)\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?!\w)"
    r"|(?<!\w)\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?!\w)",
    re.ASCII,
)
_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}(?![\w-])")
_NUMBER = re.compile(r"(?<![\w*-])[+-]?\(?\d[\d ().,'-]*(?<![ (.,'-])(?![\w*-])")
_CODE = re.compile(r"[\w.+/#*-]*[\d*][\w.+/#*-]*")
"""A word with a digit or a star in it: a voucher, an id, or an identifier that is masked."""
_NAMED = re.compile(r"(?i:\b(name|customer|member|user)\b\s*[:=]\s*)([^\s,;.\[\]]+)")
_AGAIN = re.compile(r"(\[(?:email|text|date|id|number)\])(?:[\s,;/|&]*(?:and )?\1)+")
_BLANKS = re.compile(r"\s+")


def message_pattern(message: str, known: Collection[str] = ()) -> str:
    """Take ids, numbers, names, dates and addresses out of an API's message.

    Messages that differ only in these have the same pattern, and a pattern is its own pattern.

    Args:
        message: as the API said it.
        known: what the letter's job holds: its customer's identifier and its vouchers.
    """
    return _pattern(hide(message, known) if known else message)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> str:
    while (shorter := _once(text)) != text:
        text = shorter
    return text


def _once(text: str) -> str:
    text = _BLANKS.sub(" ", text).strip()
    text = _QUOTED.sub("[text]", text)
    text = _EMAIL.sub("[email]", text)
    text = _DATE.sub("[date]", text)
    text = _UUID.sub("[id]", text)
    text = _NUMBER.sub("[number]", text)
    text = _CODE.sub("[id]", text)
    text = _NAMED.sub(lambda found: found[0][: found.start(2) - found.start()] + "[text]", text)
    text = _AGAIN.sub(r"\1", text)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= PATTERN_MOST else text[:PATTERN_MOST].rstrip()


def group_digest(reason: str, code: int | None, pattern: str) -> bytes:
    """Return the digest by which a group is found: letters of one group have the same."""
    said = f"{reason}\n{'' if code is None else code}\n{pattern}"
    return blake2b(said.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
