"""Nudges the release after rows were accepted or dead letters put back, and says once when nobody hears it."""

from console.terminal import remark
from operations.services import Services


class Nudging:
    """Asks for a release until that fails; then it says so once and stops asking.

    Nothing is lost without a broker: what is accepted waits in the ledger.
    """

    def __init__(self, services: Services) -> None:
        self._nudge = services.nudge
        self._silent = False

    def give(self) -> None:
        """Ask for a release."""
        if self._silent or (self._nudge is not None and self._nudge.give()):
            return
        self._silent = True
        if self._nudge is None:
            lack = "No broker is configured or running: what is accepted waits"
        else:
            lack = "The broker is out of reach (check ISSUANCE_BROKER_URL): what is accepted waits in the ledger"
        remark(f"{lack}, and is released when `issuance up` or the workers run.")
