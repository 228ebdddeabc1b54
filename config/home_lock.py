"""The lock of HOME: it shows that `issuance up` runs there, and ends with its process."""

import fcntl
import time
from pathlib import Path
from typing import IO, Self

from config.home import prepare_home
from files.private import open_to_append

_NAME = "up.lock"
_TRY_SECONDS = 1.0
"""A process that only asks holds the lock for a moment."""
_AGAIN_SECONDS = 0.05


class HomeLock:
    """An exclusive lock on HOME. The kernel releases it when the process ends, however it ends.

    A process id would not do: after a restart, above all in a container, another process has it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def acquire(cls, home: Path) -> Self | None:
        """Take the lock; None when a system runs on this HOME, or starts there.

        Raises:
            HomeError: HOME cannot be made or closed to others.
            OSError: the lock's file cannot be created.
        """
        prepare_home(home)
        file = open_to_append(home / _NAME)
        until = time.monotonic() + _TRY_SECONDS
        while not _try(file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                file.close()
                return None
            time.sleep(_AGAIN_SECONDS)
        return cls(file)

    def release(self) -> None:
        """Release the lock."""
        self._file.close()

    @staticmethod
    def is_held(home: Path) -> bool:
        """Whether a process holds the lock."""
        try:
            with (home / _NAME).open("rb") as file:
                return not _try(file, fcntl.LOCK_SH)
        except OSError:
            return False


def _try(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
