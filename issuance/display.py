"""Show values from a file or an answer to an operator: short, printable, identifiers masked."""

import re
import unicodedata

from issuance.masking import shown_tail

_LONGEST_SHOWN = 40
_MOBILE_LIKE = re.compile(r"\+?[0-9]{10,15}(\.0)?")
# Printable by Unicode's categories, but drawn as nothing: selectors, fillers, the blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_ZWNJ, _ZWJ = "\u200c", "\u200d"
_EMOJI_SELECTORS = ("\ufe0e", "\ufe0f")
_VIRAMA = 9
"""The combining class of the signs that join consonants in the scripts of India."""
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_PAIR = 0x10000
# After `printable`, a blank is the only character before a formula that a spreadsheet skips. Some
# spreadsheets read wide signs as the ASCII ones, and in many countries `;` separates cells.
_FORMULA = re.compile(
    "(^|;)( *)(?=[=+@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}-])"
)


def mask(identifier: str) -> str:
    """Show at most the last 4 characters of an identifier, and at most a quarter of it."""
    return "…" + printable(shown_tail(identifier))


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
    r"""Escape what a terminal obeys or hides: `\u001b` for an escape character.

    These are control characters, line breaks, changes of the writing direction, characters without
    width, and what UTF-8 cannot encode. Joiners stay where a script or an emoji needs them. The
    escapes are those of JSON, so that JSON text keeps its meaning.
    """
    if value.isprintable() and (value.isascii() or not _INVISIBLE.search(value)):
        return value
    return "".join(
        char if _is_visible(char) or _joins(char, value[place - 1 : place]) else _escaped(char)
        for place, char in enumerate(value)
    )


def csv_text(value: str) -> str:
    """Return a text for a CSV cell: printable, and no item of it is a formula for a spreadsheet.

    Items are separated by semicolons. An apostrophe before an item makes it text.
    """
    return _FORMULA.sub(r"\1'\2", printable(value))


def _is_visible(char: str) -> bool:
    return char.isprintable() and not _INVISIBLE.match(char)


def _joins(char: str, before: str) -> bool:
    """Whether a character without width changes how the one before it is drawn."""
    if not before:
        return False
    if char in (_ZWNJ, _ZWJ) and unicodedata.combining(before) == _VIRAMA:
        return True
    if char in (_ZWJ, *_EMOJI_SELECTORS) and unicodedata.category(before) in ("So", "Sk"):
        return True
    return char == _ZWJ and before in _EMOJI_SELECTORS


def _escaped(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    number = ord(char)
    if number < _FIRST_PAIR:
        return f"\\u{number:04x}"
    high, low = divmod(number - _FIRST_PAIR, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
