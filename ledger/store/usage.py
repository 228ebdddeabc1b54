"""Shows which processes use a ledger that is a file, so that it is not replaced under them."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from files.private import open_to_append
from ledger.store.database import ledger_file
from ledger.store.errors import LedgerError

SUFFIX = ".in-use"
_TRY_SECONDS = 2.0
"""A command that only reads uses the ledger for a moment."""
_AGAIN_SECONDS = 0.05


class Usage:
    """A process's use of a ledger, in a lock that its children share and that ends with them."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    @classmethod
    def begin(cls, url: str) -> "Usage":
        """Begin to use a ledger; without effect for one on a server, which has its own tools.

        Raises:
            LedgerError: the ledger is being replaced.
        """
        file = ledger_file(url)
        lock = None if file is None or not file.exists() else _open(file)
        if lock is not None and not _try(lock, fcntl.LOCK_SH):
            lock.close()
            raise LedgerError(f"{file} is being restored: wait until that has ended")
        return cls(lock)

    def end(self) -> None:
        """End the use."""
        if self._file is not None:
            self._file.close()


@contextmanager
def used(url: str) -> Iterator[None]:
    """Use a ledger within the block; see `Usage.begin`."""
    usage = Usage.begin(url)
    try:
        yield
    finally:
        usage.end()


@contextmanager
def unused(file: Path) -> Iterator[None]:
    """Keep every process from using a ledger within the block.

    Raises:
        LedgerError: one uses it now.
    """
    lock = _open(file)
    try:
        if lock is not None and not _try(lock, fcntl.LOCK_EX):
            raise LedgerError(
                f"A process uses {file}: stop every process (workers, release, producers, "
                "`issuance up`), then run this again"
            )
        yield
    finally:
        if lock is not None:
            lock.close()


def _open(file: Path) -> IO[bytes] | None:
    """Open the lock; None where no file can be made, for example in a read-only folder."""
    path = Path(f"{file.resolve()}{SUFFIX}")
    with suppress(OSError):
        return open_to_append(path)
    with suppress(OSError):
        return path.open("rb")
    return None


def _try(lock: IO[bytes], kind: int) -> bool:
    until = time.monotonic() + _TRY_SECONDS
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(_AGAIN_SECONDS)
        else:
            return True
