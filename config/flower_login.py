"""The login of Flower's page: one user and one password."""

import binascii
import hmac
import unicodedata
from base64 import b64decode
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Self

_USER = "operator"
_RANDOM_BYTES = 18
_UNTYPABLE = ("Cc", "Cs")
"""Control characters, and bytes that are not UTF-8: HTTP's basic authentication has no such."""


@dataclass(frozen=True, slots=True)
class FlowerLogin:
    """A user and a password, which may hold any character that can be typed."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `user:password`. All after the first colon is the password, further colons too.

        Raises:
            ValueError: one of them is missing, or has a character that no browser can send.
        """
        user, colon, password = text.partition(":")
        if not (user.strip() and colon and password.strip()):
            raise ValueError(
                "must be user:password, neither of them empty; leave it empty for a random password"
            )
        if any(unicodedata.category(character) in _UNTYPABLE for character in text):
            raise ValueError(
                "has a control character, or is not UTF-8, which no browser can send: use "
                "characters that can be typed"
            )
        return cls(user, password)

    @classmethod
    def make(cls) -> Self:
        """Make a login with a random password: 24 characters that a URL may hold."""
        return cls(_USER, token_urlsafe(_RANDOM_BYTES))

    @property
    def text(self) -> str:
        """`user:password`, as the setting has it."""
        return f"{self.user}:{self.password}"

    def admits(self, header: str) -> bool:
        """Return whether this value of the header `Authorization` has the user and the password."""
        scheme, _, encoded = header.strip().partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        # Bytes: of texts, `compare_digest` takes only ASCII.
        return hmac.compare_digest(given, self.text.encode())
