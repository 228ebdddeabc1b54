"""Asks for a release after rows were accepted, and reports once that this failed."""

from console.terminal import remark
from operations.services import Services
from operations.wake_up import wake_release


class WakeUp:
    """Asks for a release until that fails; then it says so once and stops asking."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._silent = False

    def request(self) -> None:
        """Ask for a release."""
        if self._silent:
            return
        problem = wake_release(self._services)
        if problem:
            self._silent = True
            remark(problem)
