"""Fingerprints: they name customers in Redis without showing their identifiers."""

from hashlib import blake2b

from issuance.customer import Customer

_PERSON = b"customer lock"
"""Makes it differ from every other digest that is made with the same key."""
_BYTES = 12


class Fingerprints:
    """Makes the fingerprints of customers.

    Args:
        key: the ledger's key for `Purpose.CUSTOMERS`, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        # A copy costs less than a new one.
        self._keyed = blake2b(key=key, person=_PERSON, digest_size=_BYTES)

    def of(self, customer: Customer) -> str:
        """Return 24 hex digits, the same for all spellings of an identifier.

        Without the key nothing follows from them.
        """
        keyed = self._keyed.copy()
        keyed.update(customer.canonical.encode())
        return keyed.hexdigest()
