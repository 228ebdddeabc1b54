"""Ctrl-C between two batches rather than inside one, so that what is said about the work is true."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Hold back the first SIGINT until the yielded function is called, which then raises it; a second one acts at once.

    Works in the main thread only, as all signals do in Python.

    Raises:
        KeyboardInterrupt: from the yielded function.
    """
    interrupted = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def check() -> None:
        if interrupted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
