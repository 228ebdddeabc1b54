"""Values that many open pages share: each is read at most once a second, by one of them."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

_T = TypeVar("_T")
_KEPT = 500
"""Values that are remembered; more than that, and the oldest go."""


@dataclass(frozen=True, slots=True)
class Moment(Generic[_T]):
    """A value with the time at which it was read."""

    at: datetime
    value: _T


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.moment: Moment[Any] | None = None
        self.until = 0.0


class Shared:
    """Reads values and shares them.

    Args:
        fresh_seconds: how long a value serves all readers.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self, fresh_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[Hashable, _Slot] = {}

    def forget(self) -> None:
        """Read everything again: something was changed here."""
        with self._lock:
            self._slots.clear()

    def read(self, key: Hashable, read: Callable[[], _T]) -> Moment[_T]:
        """Return the value of a key; the first caller reads it, and the others wait for it.

        An error is not shared: each caller that meets it raises it.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            while len(self._slots) > _KEPT:
                self._slots.pop(next(iter(self._slots)))
        with slot.lock:
            if slot.moment is None or self._clock() >= slot.until:
                at = datetime.now(UTC)
                slot.moment = Moment(at, read())
                slot.until = self._clock() + self._fresh_seconds
            return cast("Moment[_T]", slot.moment)
