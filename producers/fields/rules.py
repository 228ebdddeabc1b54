"""The rule of each column: turns a cell's text into a value, or refuses it with a remedy.

A rule takes a non-empty text. It returns None for a text of blanks, unless blanks are a value.
"""

import re
from collections.abc import Callable

from issuance.display import mask, show
from producers.fields.refusal import Refusal

LARGEST_ID = 2**63 - 1
LARGEST_QUANTITY = 1_000_000
LONGEST_TEXT = 4_000

_MOBILE_DIGITS = range(7, 16)  # E.164 allows 15; no subscriber's number has fewer than 7
_LONGEST_EMAIL = 254  # RFC 5321's path of 256 without its brackets
_LONGEST_EXTERNAL_ID = 255
_EXACT_DIGITS = 15  # a double keeps this many digits exactly
_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_EMAIL = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")

_EXPORT_AS_TEXT = "format the column as text before it is exported, and export it again"


def mobile(text: str) -> str | None:
    """Parse 7 to 15 ASCII digits; one leading "+" and surrounding blanks are dropped."""
    value = text.strip()
    digits = value.removeprefix("+")
    if len(digits) in _MOBILE_DIGITS and digits.isascii() and digits.isdigit():
        return digits
    if not value:
        return None
    if _EXPONENT.fullmatch(digits):
        raise Refusal(
            f"the spreadsheet rounded the mobile to {mask(value)}: its digits are lost",
            _EXPORT_AS_TEXT,
        )
    if digits.endswith(".0"):
        raise Refusal(f"the spreadsheet added '.0' to the mobile {mask(value)}", _EXPORT_AS_TEXT)
    raise Refusal(
        f"{mask(value)} is no mobile",
        "write 7 to 15 digits with the country code and nothing between them, "
        "for example 919800000001",
    )


def email(text: str) -> str | None:
    """Parse an address of at most 254 characters: one "@", no blanks, a dot in the domain."""
    value = text.strip()
    if not value:
        return None
    if len(value) <= _LONGEST_EMAIL and _EMAIL.fullmatch(value) and value.isprintable():
        return value
    raise Refusal(
        f"{mask(value)} is no email",
        f"write name@domain.tld without blanks, at most {_LONGEST_EMAIL} characters",
    )


def external_id(text: str) -> str | None:
    """Parse 1 to 255 characters without control characters; surrounding blanks are dropped."""
    value = text.strip()
    if len(value) > _LONGEST_EXTERNAL_ID:
        raise Refusal(
            f"the externalId has {len(value)} characters",
            f"write at most {_LONGEST_EXTERNAL_ID} characters",
        )
    if _CONTROL.search(value):
        raise Refusal(
            f"the externalId {mask(value)} holds a control character",
            "remove tabs, line breaks and other invisible characters from it",
        )
    return _writable(value) or None


def positive_integer(largest: int) -> Callable[[str], int | None]:
    """Make the rule for whole numbers from 1 to `largest`, in ASCII digits.

    `2.0` is refused too: the API truncates decimals silently (rewards-api §7).
    """

    def parse(text: str) -> int | None:
        value = text.strip()
        # int() is slow for very long texts, and raises above 4,300 digits
        if value.isascii() and value.isdigit() and len(value) <= _EXACT_DIGITS + 4:
            number = int(value)
            if 1 <= number <= largest:
                return number
        if not value:
            return None
        raise _integer_refusal(value, largest)

    return parse


def _integer_refusal(value: str, largest: int) -> Refusal:
    if _EXPONENT.fullmatch(value):
        return Refusal(f"{show(value)} is a number the spreadsheet rounded", _EXPORT_AS_TEXT)
    remedy = f"write a whole number from 1 to {largest} in digits only"
    if _NUMBER.fullmatch(value) and "." in value:
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
    return _writable(given)


def _writable(value: str) -> str:
    """Refuse a lone surrogate, which JSON's escapes can express and UTF-8 cannot."""
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
