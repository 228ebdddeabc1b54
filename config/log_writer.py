"""The log's lines: finished events on their way to standard error."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_WHOLE_BYTES = 4_096
"""Linux's PIPE_BUF: the most bytes that a pipe takes from one of several writers unmixed."""
_own = threading.local()


class LineLogger:
    """Writes finished entries to standard error, each as a whole.

    It writes at once, unless `lines_together` says otherwise.

    The standard library's loggers cost several times an event's own work: with one event for each
    call that shows. A log that cannot be written (disk full, closed pipe) must not stop the work.

    Args:
        name: the logger's.
    """

    def __init__(self, name: str = "issuance") -> None:
        self.name = name

    def write(self, line: str) -> None:
        """Write one line."""
        held: list[str] | None = getattr(_own, "held", None)
        if held is None:
            _write(line + "\n")
        else:
            held.append(line + "\n")

    debug = info = warning = error = critical = write


@contextmanager
def lines_together() -> Iterator[None]:
    """Hold this thread's lines back until the end, and write several at a time: one system call instead of ten."""
    held: list[str] = []
    _own.held = held
    try:
        yield
    finally:
        _own.held = None
        for text in _bundled(held):
            _write(text)


def _bundled(lines: list[str]) -> Iterator[str]:
    """Lines one after the other, as many at a time as a pipe takes whole."""
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


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
