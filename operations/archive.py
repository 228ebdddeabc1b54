"""The archive of pruned jobs: gzipped JSON lines, synced to disk before anything is removed."""

import gzip
import os
from collections.abc import Sequence
from errno import EEXIST
from pathlib import Path
from typing import IO, Any

from pydantic_core import to_json

from files.private import create_draft, open_to_append, publish
from issuance.details.stored import with_long_names
from ledger.retention.pruning import PrunedJob, StoredRow
from operations.errors import UsageError


class Archive:
    """A new archive file.

    Only its owner may read it: it holds customers and vouchers. The first call gives it its name,
    each later one appends a gzip member of its own. The ledger removes jobs only after that, so a
    crash loses none.

    Args:
        path: the file, which must not exist yet.

    Raises:
        UsageError: the file exists already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun: os.stat_result | None = None
        if os.path.lexists(path):
            raise UsageError(f"{path} exists already: give the archive another name")

    def __call__(self, jobs: Sequence[PrunedJob]) -> None:
        """Append jobs, and return once they are synced to disk.

        Raises:
            OSError: the file cannot be written, or another process has created, removed or
                replaced it meanwhile.
        """
        member = gzip.compress(b"".join(to_json(_fields(pruned)) + b"\n" for pruned in jobs))
        if self._begun is None:
            self._begun = self._begin(member)
        else:
            self._append(member, self._begun)

    def _begin(self, member: bytes) -> os.stat_result:
        draft, descriptor = create_draft(self._path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, member)
                begun = os.fstat(file.fileno())
            publish(draft, self._path)
        finally:
            draft.unlink(missing_ok=True)
        return begun

    def _append(self, member: bytes, begun: os.stat_result) -> None:
        if not os.path.samestat(self._path.lstat(), begun):
            raise FileExistsError(EEXIST, "another file has its name now", str(self._path))
        with open_to_append(self._path) as file:
            _write(file, member)


def _write(file: IO[bytes], member: bytes) -> None:
    file.write(member)
    file.flush()
    os.fsync(file.fileno())


def _fields(pruned: PrunedJob) -> dict[str, Any]:
    return {
        "campaign": pruned.campaign,
        "job": _texts(pruned.job),
        "lines": [_line(row) for row in pruned.lines],
        "attempts": [_texts(row) for row in pruned.attempts],
        "dead_letter": None if pruned.letter is None else _texts(pruned.letter),
    }


def _line(row: StoredRow) -> dict[str, Any]:
    """Return a line's row. Its details have the API's names: an archive must explain itself."""
    details = row["details"]
    return _texts(row) | {"details": details and with_long_names(details)}


def _texts(row: StoredRow) -> dict[str, Any]:
    """Return a row by column, bytes as text. A reply may be invalid UTF-8, which is escaped."""
    return {
        _ARCHIVED_AS.get(name, name): (
            value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
        )
        for name, value in row.items()
    }


_ARCHIVED_AS = {"fallback": "look_up", "empty_reads": "empty_looks", "published_at": "noticed_at"}
"""Columns that migration 0010 renamed: archives keep the old names for programs that read them."""
