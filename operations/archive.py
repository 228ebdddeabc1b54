"""The archive of pruned jobs: gzipped JSON lines, synced to disk before anything is removed."""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from issuance.details.stored import with_long_names
from ledger.retention.pruning import PrunedJob, StoredRow
from operations.errors import UsageError


class Archive:
    """A new archive file.

    Only its owner may read it: it holds customers and vouchers. Each call appends its own gzip
    member, and the ledger removes jobs only after that, so a crash loses none.

    Args:
        path: the file, which must not exist yet.

    Raises:
        UsageError: the file exists already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        if path.exists():
            raise UsageError(f"{path} exists already: give the archive another name")

    def __call__(self, jobs: Sequence[PrunedJob]) -> None:
        """Append jobs, and return once they are synced to disk.

        Raises:
            OSError: the file cannot be written, or another process has created it meanwhile.
        """
        member = gzip.compress(b"".join(to_json(_fields(pruned)) + b"\n" for pruned in jobs))
        first = 0 if self._begun else os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | first, 0o600), "ab") as file:
            file.write(member)
            file.flush()
            os.fsync(file.fileno())
        if not self._begun:
            _sync(self._path.absolute().parent)
        self._begun = True


def _sync(folder: Path) -> None:
    """Sync a folder, so that a new file in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
