"""Mask identifiers and vouchers before they reach a log, an event or a table.

At most a quarter of a value is shown, and of what a job is known to hold, nothing in free text.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from issuance.customer import Customer

_SHOWN_MOST = 4
_SHARE = 4
_HIDDEN_BELOW = 8
_STARS_MOST = 8
_SHORT = 200
_ANYWHERE_FROM = 4
"""From this length on, a known value is hidden inside words too."""
HIDDEN = "****"
# Matches only from the start of a word, which keeps the search linear in the text's length.
_EMAIL = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']+@[^\s@<>\"']+")
# A word of eight or more characters with capitals and digits; no time, and no requestId.
_CODE = re.compile(
    r"(?<![\w-])(?=[a-z0-9_-]*[A-Z])(?=(?:[A-Za-z_-]*\d){2})(?!\d{4}-\d\d-\d\dT)"
    r"(?![0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w-]))[\w-]{8,}",
    re.ASCII,
)
# Six or more digits, in a row or grouped like a mobile; not the groups of a requestId.
_LONG_NUMBER = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){5,18}(?![\w-])|\+?\d{6,}")
_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


def shown_tail(value: str) -> str:
    """Return the end of a value that may be shown: at most 4 characters and a quarter of it.

    Of a value shorter than 8 characters, or with an end that is not printable, it is nothing.
    """
    length = 0 if len(value) < _HIDDEN_BELOW else min(_SHOWN_MOST, len(value) // _SHARE)
    tail = value[len(value) - length :]
    return tail if tail.isprintable() else ""


def mask(value: str) -> str:
    """Hide all but `shown_tail`; four to eight stars stand for the rest."""
    shown = shown_tail(value)
    return "*" * min(max(len(value) - len(shown), len(HIDDEN)), _STARS_MOST) + shown


def mask_customer(customer: Customer) -> str:
    """Mask the identifier: `mobile:********001`, or `email:a***@***`; `erased` if it was erased."""
    if customer.is_erased:
        return customer.kind
    if customer.kind == "email" and "@" in customer.value:
        name, _, _ = customer.value.rpartition("@")
        first = name[: min(1, len(name) // _SHARE)]
        return f"email:{first if first.isprintable() else ''}***@***"
    return f"{customer.kind}:{mask(customer.value)}"


def scrub(text: str, known: Collection[str] = ()) -> str:
    """Mask free text, such as an API message: e-mail addresses, codes and long numbers.

    Args:
        text: the text.
        known: what the text's job holds: its customer's identifier and its vouchers.
    """
    if known:
        text = hide(text, known)
    # The API repeats a few messages, and each is masked several times for every call.
    return _scrub_again(text) if len(text) <= _SHORT else _scrub(text)


def hide_identifiers(text: str) -> str:
    """Mask e-mail addresses and numbers of six or more digits; dates and ticket codes stay."""
    return _LONG_NUMBER.sub(_number, _EMAIL.sub("[email]", text))


def _number(found: re.Match[str]) -> str:
    return found[0] if _DATE.fullmatch(found[0].strip()) else "[number]"


def hide(text: str, known: Collection[str]) -> str:
    """Replace each known value in a text by stars, whatever its case.

    Values of fewer than 4 characters are replaced where they are words, because they occur in
    other words by chance.
    """
    lowered = _lowered(text) if len(text) <= _SHORT else text.lower()
    for value in known:
        if value.lower() in lowered:
            return _without(text, {low for value in known if (low := value.lower()) in lowered})
    return text  # nearly always


def _without(text: str, found: Collection[str]) -> str:
    for value in sorted(found, key=lambda low: (-len(low), low)):
        if not value.strip("* "):
            continue  # stars in its place would hide nothing
        lowered = text.lower()
        if len(lowered) != len(text):
            return HIDDEN  # a few letters become two in lower case, so that places differ
        parts: list[str] = []
        start = end = 0
        while (place := lowered.find(value, end)) >= 0:
            end = place + len(value)
            if len(value) >= _ANYWHERE_FROM or _is_word(lowered, place, end):
                parts += (text[start:place], HIDDEN)
                start = end
        text = "".join((*parts, text[start:]))
    return text


def _is_word(text: str, start: int, end: int) -> bool:
    """Whether the letters and digits of this part end where it ends."""
    goes_back = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    return not goes_back and not (text[end - 1].isalnum() and text[end : end + 1].isalnum())


def _scrub(text: str) -> str:
    return _LONG_NUMBER.sub("[number]", _CODE.sub("[code]", _EMAIL.sub("[email]", text)))


_scrub_again = lru_cache(maxsize=256)(_scrub)
_lowered = lru_cache(maxsize=256)(str.lower)
