"""The rule of each column: turns a cell's text into a value, or refuses it with a remedy.

A rule takes a non-empty text. It returns None for a text of blanks, unless blanks are a value.
"""

import re
from collections.abc import Callable

from issuance.display import show
from producers.fields.reading import ReadAs
from producers.fields.refusal import Refusal

LARGEST_ID = 2**63 - 1
LARGEST_QUANTITY = 1_000_000
LONGEST_TEXT = 4_000

_EXACT_DIGITS = 15  # a double keeps this many digits exactly
_LONGEST_NUMBER = _EXACT_DIGITS + 4
"""Digits of the largest 64-bit number."""
_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_EXPONENT_OF_SPREADSHEETS = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]{2,}")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTEGRAL = re.compile(r"([0-9]+)\.0+")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}([.,'\s\u2019][0-9]{3})+")

EXPORT_AS_TEXT = "format the column as text before it is exported, and export it again"


def is_rounded(value: str, *, as_spreadsheet: bool = False) -> bool:
    """Whether it is a number with an exponent, such as `9.19824E+11`.

    With `as_spreadsheet` it must look exactly as spreadsheets write it: an id such as `12e5` can be
    meant.
    """
    pattern = _EXPONENT_OF_SPREADSHEETS if as_spreadsheet else _EXPONENT
    return pattern.fullmatch(value) is not None


def positive_integer(largest: int) -> Callable[[str], int | ReadAs | None]:
    """Make the rule for whole numbers from 1 to `largest`, in ASCII digits.

    `2.0` is read, because spreadsheets write it. Other decimals are refused: the API would cut them
    off silently (rewards-api §7).
    """

    def parse(text: str) -> int | ReadAs | None:
        value = text.strip()
        # int() is slow for very long texts, and raises above 4,300 digits
        if value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
            number = int(value)
            if 1 <= number <= largest:
                return number
        return _read_unusual(value, largest)

    return parse


def _read_unusual(value: str, largest: int) -> ReadAs | None:
    if not value:
        return None
    if _THOUSANDS.fullmatch(value):
        raise Refusal(
            f"{show(value)} is not a whole number everywhere: a separator marks thousands in one "
            "country and decimals in another",
            f"write a whole number from 1 to {largest} in digits only",
        )
    integral = _INTEGRAL.fullmatch(value)
    if integral and value.isascii() and len(integral[1]) <= _LONGEST_NUMBER:
        number = int(integral[1])
        if 1 <= number <= largest:
            return ReadAs(number, "whole number written with decimals")
    raise _integer_refusal(value, largest)


def _integer_refusal(value: str, largest: int) -> Refusal:
    if is_rounded(value):
        return Refusal(f"{show(value)} is a number the spreadsheet rounded", EXPORT_AS_TEXT)
    remedy = f"write a whole number from 1 to {largest} in digits only"
    if _NUMBER.fullmatch(value) and "." in value and not _INTEGRAL.fullmatch(value):
        return Refusal(f"{show(value)} has decimals", f"{remedy}; decimals would be cut off")
    return Refusal(f"{show(value)} is not a whole number from 1 to {largest}", remedy)


def amount(text: str) -> int | float | None:
    """Parse a number above 0 of at most 15 significant digits; whole values become ints."""
    value = text.strip()
    if not value:
        return None
    if not _NUMBER.fullmatch(value):
        raise Refusal(
            f"{show(value)} is no number above 0",
            "write digits without thousands separators or exponent, with a decimal point, "
            "for example 1250.5",
        )
    whole, _, decimals = value.partition(".")
    decimals = decimals.rstrip("0")
    digits = (whole + decimals).lstrip("0")
    if not digits:
        raise Refusal("0 is not above 0", "write a number above 0, or leave the cell empty")
    if len(digits) > _EXACT_DIGITS:
        raise Refusal(
            f"{show(value)} has more digits than can be sent exactly",
            f"write at most {_EXACT_DIGITS} digits",
        )
    return float(f"{whole}.{decimals}") if decimals else int(whole)


def text(given: str) -> str:
    """Accept 1 to 4,000 characters unchanged, line breaks included, but no NUL."""
    if len(given) > LONGEST_TEXT:
        raise Refusal(
            f"{len(given)} characters are too many", f"write at most {LONGEST_TEXT} characters"
        )
    if "\0" in given:
        raise Refusal("it holds a NUL character, which no database stores", "remove the character")
    return refuse_lone_surrogates(given)


def refuse_lone_surrogates(value: str) -> str:
    """Return the text, unless it has half a character, which JSON can express and UTF-8 cannot."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal(
            "it holds half of a character (a lone surrogate)",
            "write the character itself, as UTF-8",
        ) from None
    return value
