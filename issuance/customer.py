"""A customer, by the one identifier a job carries."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, Self, get_args

IdentifierKind = Literal["mobile", "email", "externalId"]


@dataclass(frozen=True, slots=True)
class Customer:
    """One identifier of a customer; `value` as it is sent (mobile: digits with country code, no plus)."""

    kind: IdentifierKind
    value: str

    def __str__(self) -> str:
        """`mobile:919800000001`: how the ledger stores it."""
        return f"{self.kind}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote.

        Raises:
            ValueError: the text has no known kind before its first colon.
        """
        kind, _, value = text.partition(":")
        if kind not in get_args(IdentifierKind) or not value:
            raise ValueError(
                "A customer is written kind:value, with kind mobile, email or externalId"
            )
        return cls(kind, value)  # type: ignore[arg-type]  # checked the line above

    @property
    def canonical(self) -> str:
        """The form that is equal for spellings of one identifier: e-mail addresses ignore case."""
        return f"{self.kind}:{self.value.lower() if self.kind == 'email' else self.value}"

    @property
    def fingerprint(self) -> str:
        """A digest to name the customer in Redis or a log without showing the identifier."""
        return blake2b(self.canonical.encode(), digest_size=12).hexdigest()
