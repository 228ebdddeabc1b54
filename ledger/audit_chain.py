"""The chain of the audit log: each entry's MAC covers its content and its predecessor's MAC.

The format never changes: entries that were written with it could not be verified any more.
"""

from hashlib import blake2b
from typing import NamedTuple

GENESIS = bytes(32)
"""The MAC before the first entry."""


class Content(NamedTuple):
    """What an entry's MAC covers, in the order of the table's columns."""

    id: int
    at: int
    subject: str
    uid: int | None
    host: str
    way: str
    claimed: str
    verb: str
    target: str
    before: str
    after: str
    reason: str


Stored = tuple[int, int, str, int | None, str, str, str, str, str, str, str, str]
"""`Content` as the database's driver returns it."""


def entry_mac(key: bytes, preceding: bytes, content: Stored) -> bytes:
    """Return an entry's MAC, 32 bytes.

    Args:
        key: the key for `Purpose.AUDIT`.
        preceding: the MAC of the entry before it, or `GENESIS`.
        content: as `Content`.
    """
    number, at, subject, uid, host, way, claimed, verb, target, before, after, reason = content
    # The lengths come first, so that no text can pass for the beginning of the next one.
    text = (
        f"{number},{at},{uid},{len(subject)},{len(host)},{len(way)},{len(claimed)},{len(verb)},"
        f"{len(target)},{len(before)},{len(after)},{len(reason)};"
        f"{subject}{host}{way}{claimed}{verb}{target}{before}{after}{reason}"
    )
    return blake2b(preceding + text.encode(), key=key, digest_size=32, person=b"entry").digest()


def head_seal(key: bytes, count: int, mac: bytes) -> bytes:
    """Return the seal of the head: the number of entries, and the MAC of the last one."""
    return blake2b(b"%d," % count + mac, key=key, digest_size=32, person=b"head").digest()
