"""Plans for pages: one of very many lines is read in the background, because it takes seconds."""

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from operations.plan import Plan, PlanVersion
from web.newest import Newest
from web.shared import Moment

_AT_ONCE_LINES = 2_000
"""A plan of at most this many lines is read within the request."""
_WAIT_SECONDS = 0.05
_EVERY_SECONDS = 600.0
"""Overlaps and times change although the campaign does not, so a plan is read again."""
_KEPT = 20
_NICENESS = 10


class Plans:
    """The plans that pages of one web process asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[PlanVersion, Newest[Plan]] = {}

    def read(self, version: PlanVersion, read: Callable[[], Plan]) -> Moment[Plan] | None:
        """Return the plan of a version; None: it is being read.

        Args:
            version: what the plan is made from.
            read: reads it.
        """
        if version.lines <= _AT_ONCE_LINES:
            return Moment(datetime.now(UTC), read())
        with self._lock:
            newest = self._found.setdefault(version, Newest(_EVERY_SECONDS))
            while len(self._found) > _KEPT:
                self._found.pop(next(iter(self._found)))
        return newest.read(lambda: _behind_others(read), wait_seconds=_WAIT_SECONDS)


def _behind_others(read: Callable[[], Plan]) -> Plan:
    """Read with a low priority, where threads have one: a blast on this machine goes first."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    return read()
