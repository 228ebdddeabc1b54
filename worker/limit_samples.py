"""Samples of the accounts' limits, for the charts of the last hour."""

import time
from collections.abc import Callable, Iterable

from limiter.limit_history import SAMPLE_SECONDS
from limiter.sync_limiter import SyncLimiter


class LimitSamples:
    """Takes a sample of each account every ten seconds.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock()

    def take(self, limiters: Iterable[SyncLimiter]) -> None:
        """Take a sample of each, if it is time.

        Raises:
            LimitsUnavailable: Redis cannot be reached.
        """
        if self._clock() < self._due:
            return
        self._due = self._clock() + SAMPLE_SECONDS
        for limiter in limiters:
            limiter.history.keep(limiter.state())
