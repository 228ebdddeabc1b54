"""The ledger that scrapes read: kept open, and opened again when another file took its place."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ledger.store.database import Ledger, ledger_file, require_ledger_file


class OpenLedger:
    """A ledger on which to read again and again.

    Args:
        url: the ledger's.
        connect: makes a `Ledger` that has not been checked.
    """

    def __init__(self, url: str, connect: Callable[[], Ledger]) -> None:
        self._url = url
        self._connect = connect
        self._file = ledger_file(url)
        self._opened: Ledger | None = None
        self._is_of: tuple[int, int] | None = None

    def get(self) -> Ledger:
        """Return the ledger.

        Raises:
            ExplainedError: it cannot be reached, or its schema or the deployment's secret does not
                fit.
        """
        require_ledger_file(self._url)
        identity = _identity(self._file)
        if self._opened is None or identity != self._is_of:
            self.close()
            opened = self._connect()
            try:
                opened.check_schema()
            except BaseException:
                opened.close()
                raise
            self._opened, self._is_of = opened, identity
        return self._opened

    def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Return device and inode of the file, which change with a restore; None for a server."""
    with suppress(OSError):
        found = None if file is None else file.stat()
        return None if found is None else (found.st_dev, found.st_ino)
    return None
