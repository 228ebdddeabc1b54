"""What a chunk's message says, and the mark by which a worker knows that the release made it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Self

from issuance.job import Lane

_MARK_BYTES = 32
_FIELDS = 4


@dataclass(frozen=True, slots=True)
class ChunkMessage:
    """A chunk as the release put it on the broker: jobs of one campaign and one lane."""

    chunk_id: str
    campaign_id: int
    lane: Lane
    job_numbers: tuple[int, ...]

    def arguments(self, key: bytes) -> list[object]:
        """Return the arguments of the chunk's task; the chunk's id is the task's.

        Args:
            key: the ledger's, for `Purpose.CHUNKS`.
        """
        return [list(self.job_numbers), self.campaign_id, self.lane.value, self.mark(key)]

    def mark(self, key: bytes) -> str:
        """Return a keyed digest over everything that the message says, as 64 hex digits."""
        said = [self.chunk_id, self.campaign_id, self.lane.value, self.job_numbers]
        text = json.dumps(said, separators=(",", ":"))
        return blake2b(text.encode(), key=key, digest_size=_MARK_BYTES).hexdigest()

    @classmethod
    def read(cls, chunk_id: object, arguments: Sequence[object], key: bytes) -> Self | None:
        """Read a task's id and arguments, which any client of the broker could have sent.

        Returns:
            None: they are not those of a message that has this key's mark.
        """
        if len(arguments) != _FIELDS or not isinstance(chunk_id, str):
            return None
        numbers, campaign_id, lane, mark = arguments
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            return None
        if type(campaign_id) is not int or not isinstance(lane, str) or not isinstance(mark, str):
            return None
        if lane not in list(Lane):
            return None
        found = cls(chunk_id, campaign_id, Lane(lane), tuple(numbers))
        given = mark.encode(errors="replace")  # JSON can name characters that no encoding has
        return found if compare_digest(found.mark(key).encode(), given) else None
