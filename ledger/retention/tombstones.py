"""Tombstones: the trace of a pruned line, so that its requestId is never accepted as new again.

A body holds its customer, so its digest is keyed. A digest of an earlier version is not; its length
shows which it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, literal, select

from issuance.derived_keys import Purpose
from issuance.endpoint import Variant
from issuance.job import Job
from issuance.redrive.narrow import narrow_body
from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import KEYED_DIGEST_BYTES, tombstones

_UNKEYED_BYTES = 16
_ERASED = bytes(_UNKEYED_BYTES)
"""In place of digests, for a line whose customer was erased: there was no body to make them of."""
_INSERT = (
    "INSERT INTO tombstones (request_id, campaign_id, state, line_digest, body_digest) "
    "VALUES (?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A pruned line: enough to distinguish a repeated request from one with another payload."""

    campaign_id: int
    state: State
    line_digest: bytes
    body_digest: bytes
    key: bytes = field(repr=False)
    # No file that is being read now contained it.
    intake_id: None = None
    source_line: int = 0
    position: int = 0

    @property
    def is_erased(self) -> bool:
        """Whether its customer was erased before, so that no payload can be compared."""
        return self.line_digest == _ERASED

    def is_of_body(self, body: bytes) -> bool:
        """Whether its job had this body."""
        return self.body_digest == self._digest(self.body_digest, body)

    def is_line(self, part: Job) -> bool:
        """Whether this job has only this line, whatever job it was accepted in."""
        return len(part.lines) == 1 and self.line_digest == self._digest(
            self.line_digest, part.body
        )

    def _digest(self, like: bytes, body: bytes) -> bytes:
        """Make the digest of a body in the way in which another one was made."""
        return _unkeyed_digest(body) if len(like) == _UNKEYED_BYTES else _digest(body, self.key)


@dataclass(frozen=True, slots=True)
class PrunedLines:
    """The lines of a job that is being pruned."""

    campaign_id: int
    variant: Variant
    body: bytes
    """Empty if its customer was erased."""
    lines: Sequence[tuple[str, State]]
    """requestIds and final states."""


def write_tombstones(connection: Connection, jobs: Iterable[PrunedLines], key: bytes) -> None:
    """Write the lines' tombstones, in the transaction that removes the jobs.

    `key` is the ledger's for `Purpose.BODIES`.
    """
    rows = [row for job in jobs for row in _rows(job, key)]
    dialect_of(connection).execute_rows(connection, _INSERT, rows)


def _rows(pruned: PrunedLines, key: bytes) -> list[tuple[bytes, int, str, bytes, bytes | None]]:
    if not pruned.body:
        return [
            (_packed(request_id), pruned.campaign_id, state.value, _ERASED, None)
            for request_id, state in pruned.lines
        ]
    whole = _digest(pruned.body, key)
    if len(pruned.lines) == 1:
        [(request_id, state)] = pruned.lines
        return [(_packed(request_id), pruned.campaign_id, state.value, whole, None)]
    return [
        (
            _packed(request_id),
            pruned.campaign_id,
            state.value,
            _digest(narrow_body(pruned.variant, pruned.body, {request_id}), key),
            whole,
        )
        for request_id, state in pruned.lines
    ]


def find_tombstones(
    connection: Connection, request_ids: Sequence[str], key: bytes
) -> dict[str, Tombstone]:
    """Return the tombstones of these requestIds.

    `key` is the ledger's for `Purpose.BODIES`.
    """
    if connection.scalar(_ANY) is None:
        return {}  # most ledgers were never pruned: skip the search
    packed = {_packed(request_id): request_id for request_id in request_ids}
    return {
        packed[bytes(request_id)]: Tombstone(
            campaign_id, State(state), bytes(line_digest), bytes(body_digest or line_digest), key
        )
        for request_id, campaign_id, state, line_digest, body_digest in dialect_of(
            connection
        ).rows_among(connection, _FIND, list(packed))
    }


_ANY = select(literal(1)).select_from(tombstones).limit(1)
_FIND = (
    "SELECT request_id, campaign_id, state, line_digest, body_digest "
    "FROM tombstones WHERE request_id"
)


def pruned_state(ledger: Ledger, request_id: str) -> State | None:
    """Return a pruned line's final state; None without a tombstone."""
    key = ledger.key(Purpose.BODIES)
    with ledger.read() as connection:
        found = find_tombstones(connection, [request_id], key).get(request_id)
    return None if found is None else found.state


def _packed(request_id: str) -> bytes:
    return UUID(request_id).bytes


def _digest(body: bytes, key: bytes) -> bytes:
    return blake2b(body, digest_size=KEYED_DIGEST_BYTES, key=key).digest()


def _unkeyed_digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_UNKEYED_BYTES).digest()
