"""Tombstones: what is kept of a pruned line for ever, so that its requestId is never accepted as new again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, literal, select

from issuance.endpoint import Variant
from issuance.job import Job
from issuance.redrive.narrow import narrow_body
from issuance.states import State
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import tombstones

_DIGEST_BYTES = 16
_INSERT = "INSERT INTO tombstones (request_id, campaign_id, state, line_digest, body_digest) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A pruned line. It tells a request that comes again from one with another payload, and nothing else."""

    campaign_id: int
    state: State
    line_digest: bytes
    body_digest: bytes
    # It came from no file that is still being read.
    intake_id: None = None
    source_line: int = 0
    position: int = 0

    def is_of_body(self, body: bytes) -> bool:
        """Whether its job had this body."""
        return self.body_digest == _digest(body)

    def is_line(self, part: Job) -> bool:
        """Whether it is this job's one line, in whatever job it was accepted."""
        return len(part.lines) == 1 and self.line_digest == _digest(part.body)


@dataclass(frozen=True, slots=True)
class Burial:
    """A job whose lines are to become tombstones."""

    campaign_id: int
    variant: Variant
    body: bytes
    lines: Sequence[tuple[str, State]]
    """requestIds with the states they ended in."""


def bury(connection: Connection, burials: Iterable[Burial]) -> None:
    """Write the tombstones, in the transaction that removes the jobs."""
    rows = [row for burial in burials for row in _rows(burial)]
    dialect_of(connection).execute_rows(connection, _INSERT, rows)


def _rows(burial: Burial) -> list[tuple[bytes, int, str, bytes, bytes | None]]:
    whole = _digest(burial.body)
    if len(burial.lines) == 1:
        [(request_id, state)] = burial.lines
        return [(_packed(request_id), burial.campaign_id, state.value, whole, None)]
    return [
        (
            _packed(request_id),
            burial.campaign_id,
            state.value,
            _digest(narrow_body(burial.variant, burial.body, {request_id})),
            whole,
        )
        for request_id, state in burial.lines
    ]


def find_tombstones(connection: Connection, request_ids: Sequence[str]) -> dict[str, Tombstone]:
    """The tombstones among these requestIds."""
    if connection.scalar(_ANY) is None:
        return {}  # of a ledger that was never pruned, at no cost
    packed = {_packed(request_id): request_id for request_id in request_ids}
    return {
        packed[bytes(key)]: Tombstone(
            campaign_id, State(state), line_digest, body_digest or line_digest
        )
        for key, campaign_id, state, line_digest, body_digest in dialect_of(connection).rows_among(
            connection, _FIND, list(packed)
        )
    }


_ANY = select(literal(1)).select_from(tombstones).limit(1)
_FIND = "SELECT request_id, campaign_id, state, line_digest, body_digest FROM tombstones WHERE request_id"


def pruned_state(ledger: Ledger, request_id: str) -> State | None:
    """How a pruned line ended; None when there is no tombstone of it."""
    with ledger.read() as connection:
        found = find_tombstones(connection, [request_id]).get(request_id)
    return None if found is None else found.state


def _packed(request_id: str) -> bytes:
    return UUID(request_id).bytes


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()
