"""Values that take long to read: each is read in the background while pages ask for it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from web.shared import Moment

_T = TypeVar("_T")


class Newest(Generic[_T]):
    """The newest value, and the reading of the next one.

    Args:
        every_seconds: a reading begins no earlier than this after the last one began.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._changed = threading.Condition()
        self._begun_at = self._ended_at = float("-inf")
        self._is_reading = False
        self._moment: Moment[_T] | None = None
        self._error: Exception | None = None

    def read(
        self,
        read: Callable[[], _T],
        *,
        wait_seconds: float = 0.0,
        oldest_seconds: float = float("inf"),
    ) -> Moment[_T] | None:
        """Return the newest value; begin another reading if it is time for one.

        Args:
            read: reads the value, in another thread.
            wait_seconds: how long to wait for a value that is new enough.
            oldest_seconds: a value that was read longer ago is not returned.

        Returns:
            None: no reading has ended that is new enough.

        Raises:
            Exception: what the last reading raised.
        """
        since = time.monotonic() - oldest_seconds
        with self._changed:
            if not self._is_reading and time.monotonic() - self._begun_at >= self._every_seconds:
                self._begun_at, self._is_reading, self._error = time.monotonic(), True, None
                threading.Thread(target=self._read, args=(read,), daemon=True).start()
            self._changed.wait_for(
                lambda: not self._is_reading or self._ended_at > since, wait_seconds
            )
            if self._error is not None:
                raise self._error
            return self._moment if self._ended_at > since else None

    def _read(self, read: Callable[[], _T]) -> None:
        at = datetime.now(UTC)
        found: Moment[_T] | None = None
        error: Exception | None = None
        try:
            found = Moment(at, read())
        except Exception as raised:  # noqa: BLE001  # the next page that asks gets it
            error = raised
        with self._changed:
            self._moment, self._error, self._is_reading = found, error, False
            self._ended_at = time.monotonic()
            if error is not None:
                self._begun_at = self._ended_at = float("-inf")
            self._changed.notify_all()
