"""The digest of a campaign: what a second person approves. One changed byte gives another one.

It is the SHA-256 of the settings and the expected points, followed by the digests of blocks of
`BLOCK_JOBS` jobs in the order of acceptance. A block's digest is the SHA-256 of each job's id and
body. The id is the first line's requestId, and the body has the requestIds of all lines.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import chain
from typing import Any

from pydantic_core import to_json

BLOCK_JOBS = 4096
_FORMAT = 1


def block_digest(jobs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the digest of a block: ids and bodies with line breaks between them.

    That is unambiguous: no id has a line break, and JSON escapes them.
    """
    return sha256(b"\n".join(chain.from_iterable(jobs))).digest()


def campaign_digest(
    settings: Mapping[str, Any], points: Mapping[str, int | None], blocks: Iterable[bytes]
) -> str:
    """Return the digest as 64 hex digits.

    Args:
        settings: all that decides how the campaign is issued, as JSON values.
        points: the expected points of one unit in thousandths, by the reward's key.
        blocks: the digests of its blocks of jobs, in order.
    """
    head = {"format": _FORMAT, "settings": _sorted(settings), "points": _sorted(points)}
    digest = sha256(to_json(head))
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _sorted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in sorted(values)}
