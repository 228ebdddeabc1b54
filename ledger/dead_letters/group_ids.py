"""The group of a dead letter that is opened: read once per process, or added."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select

from issuance.dead_letter_groups import group_digest, message_pattern
from issuance.outcome import Reason
from ledger.store.commit_log import call_after_commit
from ledger.store.dialects.dialect import Lock, dialect_of
from ledger.store.schema import dead_letter_groups as groups

_KNOWN: WeakKeyDictionary[Engine, dict[bytes, int]] = WeakKeyDictionary()
"""By ledger, the groups that are committed: no statement reads them again."""
_KNOWN_MOST = 10_000


def group_of(
    connection: Connection, reason: Reason, code: int | None, message: str, known: Sequence[str]
) -> int:
    """Return the id of the group of letters like this one; the first of its kind adds it."""
    pattern = message_pattern(message, known)
    digest = group_digest(reason, code, pattern)
    committed = _KNOWN.setdefault(connection.engine, {})
    group_id = committed.get(digest)
    if group_id is None:
        group_id = _find(connection, digest)
        if group_id is None:
            group_id = _add(connection, digest, reason, code, pattern)
        found = group_id
        call_after_commit(connection, lambda: _remember(committed, digest, found))
    return group_id


def _remember(committed: dict[bytes, int], digest: bytes, group_id: int) -> None:
    if len(committed) >= _KNOWN_MOST:
        committed.clear()
    committed[digest] = group_id


def _find(connection: Connection, digest: bytes) -> int | None:
    found = connection.scalar(select(groups.c.id).where(groups.c.digest == digest))
    return None if found is None else int(found)


def _add(
    connection: Connection, digest: bytes, reason: Reason, code: int | None, pattern: str
) -> int:
    dialect = dialect_of(connection)
    # Two transactions that add the same groups in different orders would wait for each other.
    dialect.lock(connection, Lock.LETTER_GROUPS)
    values = {"digest": digest, "reason": reason, "code": code, "pattern": pattern}
    connection.execute(dialect.upsert(groups, values, keys=["digest"], changes={}))
    return int(
        connection.execute(select(groups.c.id).where(groups.c.digest == digest)).scalar_one()
    )
