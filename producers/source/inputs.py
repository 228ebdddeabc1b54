"""Where a campaign's bytes come from: a file, or standard input."""

import io
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from producers.source.cut import Cut
from producers.source.unusable import UnusableFile

STANDARD_INPUT = Path("-")
"""The path that means standard input."""


class Input(Protocol):
    """The bytes of one campaign."""

    size: int
    """In bytes; 0 if it is not known."""
    is_repeatable: bool
    """Whether it can be opened again."""

    def open(self) -> BinaryIO:
        """Open it for reading from its beginning."""

    def check_unchanged(self, stream: BinaryIO) -> None:
        """Make sure that what was read is all of it, and all of one version.

        Raises:
            Cut: it has changed since it was checked.
        """


class _Snapshot(NamedTuple):
    """What changes with a file's content."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Snapshot":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class FileInput:
    """A regular file.

    Raises:
        UnusableFile: it is missing, cannot be read, or is not a regular file.
    """

    is_repeatable = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked = _Snapshot.of(_regular_status(path))
        self.size = self._checked.size

    def open(self) -> BinaryIO:
        """Open it for reading from its beginning."""
        try:
            return self._path.open("rb", buffering=0)
        except OSError as error:
            raise _unreachable(self._path, error) from None

    def check_unchanged(self, stream: BinaryIO) -> None:
        """Compare the open file, and the one that now has its name, with the one that was checked.

        Raises:
            Cut: the file was changed or replaced.
        """
        opened = _Snapshot.of(os.fstat(stream.fileno()))
        try:
            named = _Snapshot.of(self._path.stat())
        except OSError:
            named = opened  # removed or out of reach: what was open was read to its end
        if opened == named == self._checked:
            return
        if opened.size != self._checked.size:
            change = f"it had {self._checked.size:,} bytes, and now has {opened.size:,}"
        elif opened[:2] != named[:2]:
            change = "another file has its name now"
        else:
            change = "it was written to"
        raise Cut(
            f"the file changed while it was read: {change}",
            "run it again when it is complete; rows that were accepted are known then",
        )


class StandardInput:
    """Standard input, which can be read once."""

    size = 0
    is_repeatable = False

    def __init__(self) -> None:
        self.is_interrupted = False

    def open(self) -> BinaryIO:
        """Return the stream."""
        return sys.stdin.buffer

    def check_unchanged(self, stream: BinaryIO) -> None:  # noqa: ARG002  # as for a file
        """Doubt the end after Ctrl-C, which also ends the program that writes into the pipe.

        Raises:
            Cut: it was interrupted.
        """
        if self.is_interrupted:
            raise Cut(
                "standard input ended after an interruption",
                "run it again; rows that were accepted are known then",
            )


class CountedInput(io.RawIOBase):
    """A stream that reports how many bytes were read, and can show its first bytes."""

    def __init__(self, stream: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._stream = stream
        self._on_read = on_read
        self._head = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read at most as many bytes as the buffer holds."""
        block = self._head[: len(buffer)] or self._take(len(buffer))
        self._head = self._head[len(block) :]
        buffer[: len(block)] = block
        return len(block)

    def peek(self, size: int) -> bytes:
        """Return the next bytes, at least `size` unless the stream ends; they are read again."""
        while len(self._head) < size and (block := self._take(size)):
            self._head += block
        return self._head

    def _take(self, size: int) -> bytes:
        # A pipe gives what it has: rows are accepted while their writer still works.
        read = getattr(self._stream, "read1", self._stream.read)
        block: bytes = read(size)
        self._on_read(len(block))
        return block


def _regular_status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreachable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise UnusableFile(f"{path} is a directory", "give the file's own path")
    if not stat.S_ISREG(status.st_mode):
        # a file is read twice, to check it and for its rows
        raise UnusableFile(
            f"{path} is not a regular file",
            "write what it yields to a file, and give that, or give - and pipe it in",
        )
    return status


def _unreachable(path: Path, error: Exception) -> UnusableFile:
    reason = getattr(error, "strerror", None) or str(error)
    return UnusableFile(f"{path} cannot be opened: {reason}", "check the path and the permissions")
