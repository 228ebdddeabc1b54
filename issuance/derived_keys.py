"""Keys for single purposes, derived from the deployment's secret."""

from enum import Enum
from hashlib import blake2b

SECRET_BYTES = 32
"""Length of the deployment's secret, and of each key."""


class Purpose(Enum):
    """What a derived key is for; at most 16 bytes of text. A value never changes."""

    REQUEST_IDS = "request ids"
    CUSTOMERS = "customers"
    BODIES = "bodies"
    CHUNKS = "chunks"
    AUDIT = "audit"
    NOTICES = "notices"
    SEARCH = "search"
    SECRET_CHECK = "secret check"  # noqa: S105  # the name of a purpose


def derive_key(secret: bytes, purpose: Purpose) -> bytes:
    """Return the key for a purpose: 32 bytes, from which neither secret nor other keys follow.

    Raises:
        ValueError: the secret is not 32 bytes long.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"The deployment's secret has {SECRET_BYTES} bytes")
    return blake2b(key=secret, person=purpose.value.encode(), digest_size=SECRET_BYTES).digest()
