"""Wakes the release after rows are accepted."""

from console.terminal import remark
from operations.services import Services
from operations.wake_up import wake_release


class WakeUp:
    """Wakes the release; after the first failure it reports the problem once and stops trying."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failed = False

    def request(self) -> None:
        """Wake the release now."""
        if self._failed:
            return
        problem = wake_release(self._services)
        if problem:
            self._failed = True
            remark(problem)
