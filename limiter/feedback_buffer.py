"""What came of calls and is still to be told to the account's limits: one process's, since it told them last."""

from dataclasses import dataclass

from limiter.reservation import MICROSECONDS


@dataclass
class Heard:
    """Sums over calls that were granted under one and the same ceiling; older ones tell nothing of the newest."""

    lowered: int = 0
    answered: int = 0
    failed: int = 0
    timed: int = 0
    took_microseconds: int = 0

    def add(self, lowered: int, answered: int, failed: int, timed: int, took_seconds: float) -> None:
        """Add what came of a reservation's calls.

        Args:
            lowered: the reservation's.
            answered: calls with a readable answer.
            failed: calls without one.
            timed: those of the answered that `took_seconds` is of.
            took_seconds: all together.
        """
        if lowered < self.lowered:
            return
        if lowered > self.lowered:
            self._begin(lowered)
        self.answered += answered
        self.failed += failed
        self.timed += timed
        self.took_microseconds += round(took_seconds * MICROSECONDS)

    def take(self) -> tuple[int, int, int, int, int]:
        """Take all of it, as the scripts want it, and begin anew."""
        told = (self.lowered, self.answered, self.failed, self.timed, self.took_microseconds)
        # From 0, for an emptied Redis counts from there again.
        self._begin(0)
        return told

    def _begin(self, lowered: int) -> None:
        self.lowered = lowered
        self.answered = self.failed = self.timed = self.took_microseconds = 0
