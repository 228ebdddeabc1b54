"""How often the garbage collector looks for cycles, in processes that make millions of objects and hardly a cycle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 50_000
"""Python's own 700 has a blast, or a worker with hundreds of calls under way, look through the same living objects
over and over: up to a fifth of its time. Nearly all of them go by their reference counts."""


def collect_rarely() -> None:
    """Raise the collection threshold and freeze everything allocated until now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Raise the collection threshold while the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
