"""The digest by which the ledger finds a customer's jobs over all campaigns."""

from hashlib import blake2b

from issuance.customer import Customer

_PERSON = b"customer digest"
"""Makes it differ from every other digest that is made with the same key."""
_BYTES = 8


def customer_digest(customer: Customer, key: bytes) -> int:
    """Return a signed integer of 64 bits, the same for all spellings of an identifier.

    Two customers may have the same one, so compare the stored identifier too. Without the key
    nothing follows from it.

    Args:
        customer: the customer.
        key: the ledger's key for `Purpose.CUSTOMERS`, 32 bytes.
    """
    digest = blake2b(
        customer.canonical.encode(), digest_size=_BYTES, key=key, person=_PERSON
    ).digest()
    return int.from_bytes(digest, "big", signed=True)
