"""Producers after a fork: web servers often load the application first and fork workers then.

A connection that two processes use mixes their messages, and closing SQLite's or PostgreSQL's in
one of them breaks it in the other. So a child forgets its parent's connections and opens its own.
A fork also waits for the calls of other threads: SQLite's locks would stay locked in the child.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

from ledger.store.database import Ledger
from operations.services import Services

_CALLS_END_SECONDS = 10.0
"""A fork does not wait longer than this for a call that hangs."""
_kept: list[object] = []
"""A parent's connections: without a reference they would be closed."""


class ForkSafe:
    """Services and a ledger that a forked child replaces by its own."""

    def __init__(self, services: Services, ledger: Ledger) -> None:
        self._services, self._ledger = services, ledger
        _all.add(self)

    def begin_child(self) -> None:
        """Forget the parent's connections; new ones are opened on use."""
        _kept.extend((self._ledger.forget_connections(), self._services.forget_connections()))


class _Gate:
    """Lets calls pass, unless a fork waits for those under way."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin without calls: in a child the parent's other threads do not exist."""
        self._changed = threading.Condition()
        self._calls = 0
        self._is_closed = False

    def enter(self) -> None:
        """Begin a call."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._calls += 1

    def leave(self) -> None:
        """End a call."""
        with self._changed:
            self._calls -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until no call is under way, and let none begin."""
        self._changed.acquire()
        self._is_closed = True
        self._changed.wait_for(lambda: self._calls == 0, _CALLS_END_SECONDS)

    def open(self) -> None:
        """Let calls begin again."""
        self._is_closed = False
        self._changed.notify_all()
        self._changed.release()


_gate = _Gate()


@contextmanager
def calling() -> Iterator[None]:
    """Keep forks away from a call that uses the connections."""
    gate = _gate
    gate.enter()
    try:
        yield
    finally:
        gate.leave()


_all: WeakSet[ForkSafe] = WeakSet()
_in_child: list[Callable[[], None]] = []


def call_in_child(begin: Callable[[], None]) -> None:
    """Have a function called in each child that this process forks."""
    _in_child.append(begin)


def _begin_child() -> None:
    _gate.reset()
    for begin in _in_child:
        begin()
    for one in list(_all):
        one.begin_child()


os.register_at_fork(before=_gate.close, after_in_parent=_gate.open, after_in_child=_begin_child)
