"""Log files: bounded in size, and opened again after a rename."""

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from files.private import create_if_missing, open_to_append

_CHECK_SECONDS = 1.0
_OUTPUTS = (1, 2)


class RenamedFile:
    """Opens this process's log again, after it was renamed by `issuance up` or logrotate.

    Args:
        path: the log that standard error writes to.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._check_at = 0.0

    @classmethod
    def of_standard_error(cls) -> "RenamedFile | None":
        """Follow the file of standard error; None if that is no file, or where Linux is not."""
        try:
            if not stat.S_ISREG(os.fstat(2).st_mode):
                return None
            return cls(str(Path("/proc/self/fd/2").readlink()))
        except OSError:
            return None

    def check(self) -> None:
        """Open the file again if its path leads elsewhere now; at most once a second."""
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + _CHECK_SECONDS
        with suppress(OSError):  # a log that cannot be written must not stop the work
            if not self._is_current():
                self._open()

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(2))  # noqa: PTH116  # called each second
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        old = os.fstat(2)
        # logrotate may have created it for a group that reads logs.
        with open_to_append(Path(self._path), keeps_mode=True) as opened:
            for output in _OUTPUTS:
                if os.path.samestat(os.fstat(output), old):
                    os.dup2(opened.fileno(), output)


def rotate(path: Path, *, largest_bytes: int, kept: int, copies: bool = False) -> bool:
    """Begin a new log file if this one is too large; return whether it did.

    Args:
        path: the file. The older ones get the suffixes `.1` to `.KEPT`, the oldest is deleted.
        largest_bytes: it may grow by a second's entries more.
        kept: how many older files are kept.
        copies: whether the process that writes it does not open it again after a rename.
    """
    with suppress(OSError):
        if path.stat().st_size <= largest_bytes:
            return False
        for number in range(kept - 1, 0, -1):
            with suppress(FileNotFoundError):
                _older(path, number).replace(_older(path, number + 1))
        if copies:
            _older(path, 1).unlink(missing_ok=True)
            with path.open("rb") as log, open_to_append(_older(path, 1)) as older:
                shutil.copyfileobj(log, older)
            os.truncate(path, 0)
        else:
            path.replace(_older(path, 1))
            create_if_missing(path)
        return True
    return False


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
