"""The health verdict for pages: checked in the background, because a check may take seconds."""

import threading
import time
from datetime import UTC, datetime

from operations.access.subject import Subject
from operations.health.report import check_health
from operations.health.runner import Component, Report
from operations.services import Services

_EVERY_SECONDS = 5.0


class Health:
    """The newest report of one web process.

    Args:
        services: what is checked.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._begun_at = float("-inf")
        self.report: Report | None = None
        """None: the first check has not ended."""
        self.at: datetime | None = None
        """When it ended."""

    def refresh(self, subject: Subject) -> "Health":
        """Begin another check if the last one began five seconds ago; returns this object."""
        with self._lock:
            if time.monotonic() - self._begun_at < _EVERY_SECONDS:
                return self
            self._begun_at = time.monotonic()
        threading.Thread(target=self._check, args=(subject,), daemon=True).start()
        return self

    def _check(self, subject: Subject) -> None:
        report = check_health(subject, self._services, list(Component), here=False)
        self.report, self.at = report, datetime.now(UTC)
