"""What is kept of a reply that does not say what happened to its lines."""

from hashlib import sha256

KEPT_BYTES = 16 * 1024
"""Of a reply that cannot be read. A gateway's page says who sent it in its first lines."""


def cut_unreadable(body: bytes) -> bytes:
    """Return a body of at most 16 KiB and a note with its length and SHA-256.

    An account with millions of retried jobs would otherwise fill the disk with a gateway's pages.
    """
    if len(body) <= KEPT_BYTES:
        return body
    note = f"\n[cut after {KEPT_BYTES} of {len(body)} bytes; SHA-256 {sha256(body).hexdigest()}]"
    return body[:KEPT_BYTES] + note.encode("ascii")
