"""Masking: identifiers and vouchers never appear in the clear in a log, an event or a table by default."""

import re
from functools import lru_cache

from issuance.customer import Customer

_SHOWN = 4
_SHORT = 200
# It begins at the beginning of a word, which keeps the time linear in the length of the text.
_EMAIL = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']+@[^\s@<>\"']+")
# Six digits or more in a row, or grouped as people write mobiles; not the groups of a requestId.
_LONG_NUMBER = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){5,18}(?![\w-])|\+?\d{6,}")


def mask(value: str) -> str:
    """Hide all but the last four characters; short values are hidden whole."""
    shown = value[-_SHOWN:] if len(value) >= 2 * _SHOWN else ""
    return "*" * min(max(len(value) - len(shown), _SHOWN), 8) + shown


def mask_customer(customer: Customer) -> str:
    """`mobile:********0001`; of an e-mail address the domain stays readable."""
    if customer.kind == "email" and "@" in customer.value:
        name, _, domain = customer.value.rpartition("@")
        return f"email:{name[:1]}***@{domain}"
    return f"{customer.kind}:{mask(customer.value)}"


def scrub(text: str) -> str:
    """Mask whatever in free text (an API message) looks like an e-mail address or a long number."""
    # An API says the same few things over and over, and each is masked several times for each call.
    return _scrub_again(text) if len(text) <= _SHORT else _scrub(text)


def _scrub(text: str) -> str:
    return _LONG_NUMBER.sub("[number]", _EMAIL.sub("[email]", text))


_scrub_again = lru_cache(maxsize=256)(_scrub)
