"""The rules of a customer's identifiers: each gives one value for all spellings of a customer.

requestIds are derived from these values, so a second spelling must not be a second customer.
Ordinary spellings are returned as they are, whatever else a rule learns to read: otherwise a file
that is run again would be issued again.
"""

import re
import unicodedata

from issuance.display import mask
from producers.fields.reading import ReadAs
from producers.fields.refusal import Refusal
from producers.fields.rules import EXPORT_AS_TEXT, is_rounded, refuse_lone_surrogates

LONGEST_EMAIL = 254  # RFC 5321's path of 256 without its brackets
LONGEST_EXTERNAL_ID = 255

_MOBILE = re.compile(r"[1-9][0-9]{6,14}")
"""E.164 allows 15 digits, no country code begins with 0, and no number has fewer than 7."""
_WITH_DECIMALS = re.compile(r"([1-9][0-9]{6,14})\.0+")
_SEPARATORS = re.compile(r"[\s()./·\u2010-\u2015\u2212-]+")
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII
)
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@.<>]+(\.[^\s@.<>]+)+")
_WITH_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_MAILTO = re.compile(r"mailto:([^?]+)(\?.*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
"""Characters without a shape or a width, which copying from pages and telephones adds."""
_INVISIBLE_AROUND = re.compile(rf"^(?:{_INVISIBLE.pattern}|\s)+|(?:{_INVISIBLE.pattern}|\s)+$")
_OTHER_BLANK = re.compile(r"[^\S ]")
_QUOTED_DIGITS = re.compile(r"'[0-9]+")

_NO_SEPARATORS = "written with separators"
_NO_INVISIBLE = "with invisible characters"
_DECIMALS = "whole number written with decimals"


def mobile(text: str) -> str | ReadAs | None:
    """Parse 7 to 15 digits; after a "+", separators between them are left out."""
    if _MOBILE.fullmatch(text):
        return text
    value = clean_mobile(text)
    digits = value.removeprefix("+")
    if _MOBILE.fullmatch(digits):
        return digits if value == text.strip() else ReadAs(digits, _NO_INVISIBLE)
    if not value:
        return None
    refuse_rounded(digits)
    if with_decimals := _WITH_DECIMALS.fullmatch(digits):
        return ReadAs(with_decimals[1], _DECIMALS)
    compact = _SEPARATORS.sub("", digits)
    if (compact.startswith("0") or "(0)" in value) and compact.isdecimal():
        _refuse_leading_zero(value)
    if value.startswith("+") and _MOBILE.fullmatch(compact):
        return ReadAs(compact, _NO_SEPARATORS)
    raise Refusal(
        f"{mask(value)} is no mobile",
        "write 7 to 15 digits with the country code and nothing between them, "
        "for example 919800000001, or name the country with --country",
    )


def clean_mobile(text: str) -> str:
    """Remove what is around a mobile: blanks, invisible characters, `tel:`, a text mark."""
    value = _INVISIBLE.sub("", text).strip()
    return value.removeprefix("tel:").removeprefix("'").strip()


def refuse_rounded(digits: str) -> None:
    """Refuse a mobile whose last digits a spreadsheet has replaced by an exponent."""
    if is_rounded(digits):
        raise Refusal(
            f"the spreadsheet rounded the mobile to {mask(digits)}: its digits are lost",
            EXPORT_AS_TEXT,
        )


def _refuse_leading_zero(value: str) -> None:
    raise Refusal(
        f"{mask(value)} has a 0 that is dialled only within a country, or to leave one",
        "write the country code instead, for example 919800000001, or name the country with "
        "--country, for example --country IN",
    )


def email(text: str) -> str | ReadAs | None:
    """Parse an address of at most 254 characters: one "@", no blanks, a dot in the domain.

    The address is sent as it is written, without `mailto:`, brackets and a name; `Customer` ignores
    its case.
    """
    stripped = text.strip()
    if _PLAIN_EMAIL.fullmatch(stripped) and len(stripped) <= LONGEST_EMAIL:
        return stripped
    if not stripped:
        return None
    value = _unwrapped(unicodedata.normalize("NFC", _INVISIBLE_AROUND.sub("", stripped)))
    if len(value) <= LONGEST_EMAIL and _EMAIL.fullmatch(value) and value.isprintable():
        return value if value == stripped else ReadAs(value, "written with more than the address")
    raise Refusal(
        f"{mask(value)} is no email",
        f"write name@domain.tld without blanks, at most {LONGEST_EMAIL} characters",
    )


def _unwrapped(value: str) -> str:
    """Take `a@b.co` out of `Name <a@b.co>;` or `mailto:a@b.co?subject=hello`."""
    value = value.strip().rstrip(";,").strip()
    if with_name := _WITH_NAME.fullmatch(value):
        value = with_name[1].strip()
    if link := _MAILTO.fullmatch(value):
        value = link[1].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].strip()
    return value


def external_id(text: str) -> str | ReadAs | None:
    """Parse 1 to 255 characters without control characters; surrounding blanks are dropped.

    Case counts: the API's own documents leave it open, and two ids must never become one.
    """
    stripped = text.strip()
    value = stripped if stripped.isascii() else _composed(stripped)
    if _QUOTED_DIGITS.fullmatch(value):
        value = value[1:]
    if len(value) > LONGEST_EXTERNAL_ID:
        raise Refusal(
            f"the externalId has {len(value)} characters",
            f"write at most {LONGEST_EXTERNAL_ID} characters",
        )
    if _CONTROL.search(value):
        raise Refusal(
            f"the externalId {mask(value)} holds a control character",
            "remove tabs, line breaks and other invisible characters from it",
        )
    if is_rounded(value, as_spreadsheet=True):
        raise Refusal(
            f"the spreadsheet rounded the externalId to {mask(value)}: its digits are lost",
            EXPORT_AS_TEXT,
        )
    refuse_lone_surrogates(value)
    if not value:
        return None
    return value if value == stripped else ReadAs(value, "written with other or unseen characters")


def _composed(value: str) -> str:
    visible = _INVISIBLE.sub("", value)
    if _CONTROL.search(visible):
        return visible
    return unicodedata.normalize("NFC", _OTHER_BLANK.sub(" ", visible)).strip()
