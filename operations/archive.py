"""The archive of pruned jobs: gzipped JSON lines, safe on disk before anything is removed."""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from ledger.retention.pruning import PrunedJob, StoredRow
from operations.errors import UsageError


class Archive:
    """One file, which must not exist yet; only its owner may read it, for it holds customers and vouchers.

    Each call appends a gzip member of its own, so that whatever a crash cuts off was not removed
    from the ledger.

    Args:
        path: where.

    Raises:
        UsageError: there is a file already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        if path.exists():
            raise UsageError(f"{path} exists already: give the archive another name")

    def __call__(self, jobs: Sequence[PrunedJob]) -> None:
        """Append jobs, and return when the disk has them.

        Raises:
            OSError: it cannot be written, or another process has made it meanwhile.
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
    """Make sure that the folder remembers a new file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fields(pruned: PrunedJob) -> dict[str, Any]:
    return {
        "campaign": pruned.campaign,
        "job": _texts(pruned.job),
        "lines": [_texts(row) for row in pruned.lines],
        "attempts": [_texts(row) for row in pruned.attempts],
        "dead_letter": None if pruned.letter is None else _texts(pruned.letter),
    }


def _texts(row: StoredRow) -> dict[str, Any]:
    """A row by column. Bodies are JSON; a reply may be anything, and invalid UTF-8 is escaped."""
    return {
        _ARCHIVED_AS.get(name, name): (
            value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
        )
        for name, value in row.items()
    }


_ARCHIVED_AS = {"fallback": "look_up", "empty_reads": "empty_looks", "published_at": "noticed_at"}
"""Columns that were renamed by migration 0010: programs that read archives know the old names."""
