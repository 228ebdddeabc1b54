"""Takes the pieces of an upload, and writes them to private files."""

from pathlib import Path
from typing import BinaryIO

from files.private import create_new
from operations.errors import UsageError
from operations.uploads.upload import rewards_of, rows_of


class TooLargeError(UsageError):
    """The file is larger than the setting allows."""


class Receiving:
    """An upload that is on its way.

    Args:
        folder: where it is written; it exists when the first piece comes.
        most_bytes: the largest file, and all files of the upload together.

    Attributes:
        id: the upload's.
        name: the file's name on the sender's machine.
        size: its bytes that have come.
        has_rewards: whether prices have come.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.id = folder.name
        self.name = ""
        self.size = 0
        self.has_rewards = False
        self._folder = folder
        self._most_bytes = most_bytes
        self._taken = 0
        self._file: BinaryIO | None = None
        self._is_rows = False

    def announce(self, size: int) -> None:
        """Refuse a request that is too long before it is read.

        Raises:
            TooLargeError: it is.
        """
        if size > self._most_bytes:
            raise self._too_large()

    def begin_rows(self, name: str) -> None:
        """Begin the campaign's file."""
        self.name = name
        self._begin(rows_of(self._folder))
        self._is_rows = True

    def begin_rewards(self) -> None:
        """Begin the rewards' prices."""
        self.has_rewards = True
        self._begin(rewards_of(self._folder))
        self._is_rows = False

    def write(self, piece: bytes) -> None:
        """Add a piece to the file that was begun last.

        Raises:
            TooLargeError: it is longer than the setting allows.
            OSError: the disk refuses it.
        """
        self._taken += len(piece)
        self.announce(self._taken)
        if self._file is not None:
            self._file.write(piece)

    def end_file(self) -> None:
        """End the file that was begun last."""
        if self._file is not None:
            size = self._file.tell()
            self._file.close()
            if self._is_rows:
                self.size = size
            self._file = None

    def end(self) -> None:
        """End the upload.

        Raises:
            UsageError: no file has come.
        """
        self.end_file()
        if not self.size:
            raise UsageError("Choose a file that is not empty")

    def _begin(self, path: Path) -> None:
        self.end_file()
        self._file = create_new(path)

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            f"The file has more than {self._most_bytes:,} bytes (ISSUANCE_WEB_UPLOAD_MAX_BYTES): "
            "send it with `issuance blast`, or raise that setting"
        )
