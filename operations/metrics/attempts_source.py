"""Keeps the counts of attempts: reads the history in the background, then follows it."""

import threading
import time
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from ledger.queries.attempt_counts import newest_attempt, newest_restore
from operations.metrics import names
from operations.metrics.attempt_history import AttemptHistory
from operations.metrics.attempts import CodeSeries, attempt_metrics, read_page
from operations.metrics.open_ledger import OpenLedger

_AGAIN_SECONDS = 5.0
"""After an error of the ledger."""


class AttemptsSource:
    """The metrics of attempts.

    Args:
        ledger: the ledger; no other thread uses it.
    """

    def __init__(self, ledger: OpenLedger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._history = AttemptHistory(read_page)
        self._series = CodeSeries()
        self._restore: int | None = None
        self._is_behind = threading.Event()
        self._is_behind.set()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to read the history."""
        self._thread.start()

    def metrics(self, connection: Connection, now: int) -> Iterator[Metric]:
        """Make the metrics of all attempts that this transaction sees; `now`: see `Overview`."""
        newest = newest_attempt(connection)
        if newest is not None:
            yield names.LAST_ATTEMPT.single(max(0, now - newest) / 1000)
        with self._lock:
            self._forget_if_restored(connection)
            is_complete = self._history.refresh(connection)
            if not is_complete:
                self._is_behind.set()
            found = list(attempt_metrics(self._history.total, self._series)) if is_complete else []
        yield names.ATTEMPTS_COMPLETE.single(is_complete)
        yield from found

    def _forget_if_restored(self, connection: Connection) -> None:
        """Begin again when the ledger was replaced by a backup, which has fewer attempts."""
        restore = newest_restore(connection)
        if self._restore not in (None, restore):
            self._history = AttemptHistory(read_page)
        self._restore = restore

    def await_complete(self, seconds: float) -> bool:
        """Wait until the history has been read; returns whether it has."""
        until = time.monotonic() + seconds
        while self._is_behind.is_set() and time.monotonic() < until:
            time.sleep(0.01)
        return not self._is_behind.is_set()

    def close(self) -> None:
        """End the reading."""
        self._is_closed.set()
        self._is_behind.set()
        if self._thread.is_alive():
            self._thread.join()
        self._ledger.close()

    def _follow(self) -> None:
        while True:
            self._is_behind.wait()
            if self._is_closed.is_set():
                return
            began = time.monotonic()
            try:
                if self._read_next():
                    self._is_behind.clear()
                rest = time.monotonic() - began
            except (DBAPIError, ExplainedError):
                rest = _AGAIN_SECONDS
            # As long as it took, so that it uses at most half of a core and of the ledger.
            self._is_closed.wait(rest)

    def _read_next(self) -> bool:
        with self._ledger.get().read() as connection, self._lock:
            self._forget_if_restored(connection)
            return self._history.read_next(connection)
