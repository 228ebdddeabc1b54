"""Verifies the audit log in the background: a long one takes longer than a page may."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.queries.audit_verification import Verification


@dataclass(frozen=True, slots=True)
class Verified:
    """What the newest verification of one web process has found."""

    began_at: datetime
    ended_at: datetime | None = None
    """None: it has not ended."""
    found: Verification | None = None
    error: str = ""
    """Why it could not be carried out."""


class Verifying:
    """The newest verification; one runs at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.newest: Verified | None = None
        """None: none has begun."""

    def begin(self, verify: Callable[[], Verification], wait_seconds: float) -> None:
        """Begin a verification if none runs, and wait a little for the end."""
        with self._lock:
            if self.newest is None or self.newest.ended_at is not None:
                self._ended.clear()
                self.newest = Verified(datetime.now(UTC))
                work = (verify, self.newest.began_at)
                threading.Thread(target=self._run, args=work, daemon=True).start()
        self._ended.wait(wait_seconds)

    def _run(self, verify: Callable[[], Verification], began_at: datetime) -> None:
        found, error = None, ""
        try:
            found = verify()
        except Exception as raised:  # noqa: BLE001  # the page shows it
            error = str(raised).splitlines()[0]
        self.newest = Verified(began_at, datetime.now(UTC), found, error)
        self._ended.set()
