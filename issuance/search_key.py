"""The digests by which the ledger finds the job of a voucher or of a transaction."""

from hashlib import blake2b

_PERSON = b"search key"
"""Makes it differ from every other digest that is made with the same key."""
_BYTES = 8
_DIGITS = 18
"""A number of at most this many digits fits into 63 bits."""
_BLOCK_BITS = 13


class SearchDigests:
    """Makes digests: signed integers of 64 bits, from which nothing follows without the key.

    Two texts may have the same one, so compare the stored text too.

    Args:
        key: the ledger's key for `Purpose.SEARCH`, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        # A copy costs less than a new one, and each issued line needs two.
        keyed = blake2b(key=key, digest_size=_BYTES, person=_PERSON)
        self._voucher, self._transaction = keyed.copy(), keyed
        self._voucher.update(b"voucher:")
        self._transaction.update(b"transaction:")

    def of_voucher(self, code: str) -> int:
        """Return a voucher's digest, the same whatever its case."""
        hashed = self._voucher.copy()
        hashed.update(code.casefold().encode(errors="surrogatepass"))
        return int.from_bytes(hashed.digest(), "big", signed=True)

    def of_transaction(self, transaction_id: str) -> int:
        """Return the digest of a transaction's id; of a number it is that: it is no secret."""
        if transaction_id.isdecimal() and len(transaction_id) <= _DIGITS:
            return int(transaction_id)
        hashed = self._transaction.copy()
        hashed.update(transaction_id.encode(errors="surrogatepass"))
        return int.from_bytes(hashed.digest(), "big", signed=True)


def block_of(job_number: int) -> int:
    """Return the block of a job's search keys: 8,192 jobs that are accepted together.

    Digests are random. Within blocks, those of one time are next to each other, so that recording
    writes few pages; and ten million jobs are 1,221 blocks, in each of which a search takes
    microseconds.
    """
    return job_number >> _BLOCK_BITS
