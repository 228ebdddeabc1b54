"""Writes finished log entries to standard error."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from config.log_files import RenamedFile

_WHOLE_BYTES = 4_096
"""Linux's PIPE_BUF: a write to a pipe of up to this many bytes does not mix with other writers'."""
_own = threading.local()


class LineLogger:
    """Writes finished entries to standard error, each in one piece.

    It writes immediately, except inside `lines_together`.

    The standard library's loggers take several times as long as the rest of an event, and every
    call logs one. A log that cannot be written (disk full, closed pipe) must not stop the work.

    Args:
        name: the logger's name.
    """

    def __init__(self, name: str = "issuance") -> None:
        self.name = name

    def write(self, line: str) -> None:
        """Write one entry."""
        held: list[str] | None = getattr(_own, "held", None)
        if held is None:
            _write(line + "\n")
        else:
            held.append(line + "\n")

    debug = info = warning = error = critical = write


@contextmanager
def lines_together() -> Iterator[None]:
    """Buffer this thread's entries, and write them at the end of the block in few system calls."""
    held: list[str] = []
    _own.held = held
    try:
        yield
    finally:
        _own.held = None
        for text in _bundled(held):
            _write(text)


def _bundled(lines: list[str]) -> Iterator[str]:
    """Join lines into bundles of at most PIPE_BUF bytes."""
    bundle: list[str] = []
    size = 0
    for line in lines:
        long = len(line.encode())
        if bundle and size + long > _WHOLE_BYTES:
            yield "".join(bundle)
            bundle, size = [], 0
        bundle.append(line)
        size += long
    if bundle:
        yield "".join(bundle)


_followed: RenamedFile | None = None


def follow_renames() -> None:
    """From now on, open the log of standard error again after it was renamed."""
    global _followed  # noqa: PLW0603  # one standard error for each process
    _followed = RenamedFile.of_standard_error()


def check_renames() -> None:
    """Open the log again if it was renamed; call this before writing."""
    if _followed is not None:
        _followed.check()


def _write(text: str) -> None:
    check_renames()
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
