"""The log's lines: finished events on their way to standard error."""

import sys
from contextlib import suppress


class LineLogger:
    """Writes finished lines to standard error, each at once and as a whole.

    The standard library's loggers cost several times an event's own work: with one event for each call that
    shows. A log that cannot be written (disk full, closed pipe) must not stop what it tells of.

    Args:
        name: the logger's.
    """

    def __init__(self, name: str = "issuance") -> None:
        self.name = name

    def write(self, line: str) -> None:
        """Write one line."""
        with suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = write
