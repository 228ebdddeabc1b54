"""Delays Ctrl-C to the end of a batch, so that the printed counts are true."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible(
    on_interrupt: Callable[[], None] = lambda: None,
) -> Iterator[Callable[[], None]]:
    """Delay the first SIGINT until the yielded function is called; a second one acts at once.

    Main thread only, as for all signals in Python.

    Args:
        on_interrupt: called at once with the first SIGINT.

    Raises:
        KeyboardInterrupt: from the yielded function.
    """
    interrupted = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        on_interrupt()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def check() -> None:
        if interrupted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
