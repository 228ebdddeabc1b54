"""Mask identifiers and vouchers before they reach a log, an event or a table."""

import re
from functools import lru_cache

from issuance.customer import Customer

_SHOWN = 4
_SHORT = 200
# Matches only from the start of a word, which keeps the search linear in the text's length.
_EMAIL = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']+@[^\s@<>\"']+")
# Six or more digits, in a row or grouped like a mobile; not the groups of a requestId.
_LONG_NUMBER = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){5,18}(?![\w-])|\+?\d{6,}")


def mask(value: str) -> str:
    """Hide all but the last four characters; values shorter than eight are hidden completely."""
    shown = value[-_SHOWN:] if len(value) >= 2 * _SHOWN else ""
    return "*" * min(max(len(value) - len(shown), _SHOWN), 8) + shown


def mask_customer(customer: Customer) -> str:
    """Mask the identifier: `mobile:********0001`, or `email:a***@example.com`."""
    if customer.kind == "email" and "@" in customer.value:
        name, _, domain = customer.value.rpartition("@")
        return f"email:{name[:1]}***@{domain}"
    return f"{customer.kind}:{mask(customer.value)}"


def scrub(text: str) -> str:
    """Mask e-mail addresses and long numbers in free text, such as an API message."""
    # The API repeats a few messages, and each is masked several times for every call.
    return _scrub_again(text) if len(text) <= _SHORT else _scrub(text)


def _scrub(text: str) -> str:
    return _LONG_NUMBER.sub("[number]", _EMAIL.sub("[email]", text))


_scrub_again = lru_cache(maxsize=256)(_scrub)
