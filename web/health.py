"""The health verdict for pages: checked in the background, because a check may take seconds."""

from datetime import datetime
from typing import TYPE_CHECKING

from operations.access.roles import Right
from operations.access.subject import Subject
from operations.health.report import check_health
from operations.health.runner import Component, Report
from operations.services import Services
from web.newest import Newest

if TYPE_CHECKING:
    from web.shared import Moment

_EVERY_SECONDS = 5.0


class Health:
    """The newest report of one web process.

    Args:
        services: what is checked.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._newest: Newest[Report] = Newest(_EVERY_SECONDS)
        self._moment: Moment[Report] | None = None

    @property
    def report(self) -> Report | None:
        """None: the first check has not ended."""
        return self._moment.value if self._moment else None

    @property
    def at(self) -> datetime | None:
        """When it began."""
        return self._moment.at if self._moment else None

    def refresh(self, subject: Subject) -> "Health":
        """Begin another check if the last one began five seconds ago; returns this object."""
        subject.require(Right.VIEW)
        self._moment = self._newest.read(
            lambda: check_health(subject, self._services, list(Component), here=False)
        )
        return self
