"""A customer, by the one identifier a job carries."""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

IdentifierKind = Literal["mobile", "email", "externalId"]
_ERASED: Final = "erased"


@dataclass(frozen=True, slots=True)
class Customer:
    """One identifier of a customer.

    `value` is what the API gets. A mobile is digits with the country code, without a plus.
    """

    kind: IdentifierKind | Literal["erased"]
    value: str

    @property
    def is_erased(self) -> bool:
        """Whether it stands for a customer whose identifier was erased."""
        return self.kind == _ERASED

    def __str__(self) -> str:
        """The ledger's form: `mobile:919800000001`."""
        return f"{self.kind}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text that `str()` gives.

        Raises:
            ValueError: the text does not begin with a known kind and a colon, or has no value.
        """
        kind, _, value = text.partition(":")
        if kind not in (*get_args(IdentifierKind), _ERASED) or not value:
            raise ValueError(
                "A customer is written kind:value, with kind mobile, email or externalId"
            )
        return cls(kind, value)  # type: ignore[arg-type]  # checked above

    @property
    def canonical(self) -> str:
        """One text for all spellings of an identifier.

        E-mail addresses are in lower case: hosts ignore the case of the domain, and no provider
        gives two people names that differ only in case. `xn--…` is the domain that it encodes.
        """
        if self.kind != "email":
            return f"{self.kind}:{self.value}"
        address = self.value.lower()
        return f"email:{_decode_domain(address) if 'xn--' in address else address}"


ERASED: Final = Customer(_ERASED, "*")
"""Replaces a customer whose identifier was erased: the same for all of them."""


def _decode_domain(address: str) -> str:
    """Write a domain in the letters that its `xn--` labels encode."""
    name, at, domain = address.rpartition("@")
    labels = [_decode_label(label) for label in domain.split(".")]
    return unicodedata.normalize("NFC", f"{name}{at}{'.'.join(labels)}".lower())


def _decode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label
