"""Samples of the accounts' limits: all of the last hour in Redis, and changes in the ledger."""

import time
from collections.abc import Callable, Collection, Iterable

from ledger.limit_samples import Limits, keep_limits
from ledger.store.database import Ledger
from limiter.limit_history import SAMPLE_SECONDS
from limiter.state import LimitState
from limiter.sync_limiter import SyncLimiter


class LimitSamples:
    """Takes a sample of each account every ten seconds.

    Args:
        ledger: the record.
        clock: monotonic seconds.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._kept: dict[str, Limits] = {}
        self._clock = clock
        self._due = clock()

    def take(self, limiters: Iterable[tuple[SyncLimiter, Collection[str]]]) -> None:
        """Take a sample of each, if it is time.

        Args:
            limiters: each with the names of its accounts.

        Raises:
            LimitsUnavailable: Redis cannot be reached.
        """
        if self._clock() < self._due:
            return
        self._due = self._clock() + SAMPLE_SECONDS
        for limiter, accounts in limiters:
            state = limiter.state()
            limiter.history.keep(state)
            for account in accounts:
                self._keep(account, state)

    def _keep(self, account: str, state: LimitState) -> None:
        limits = Limits(state.rate_per_minute or None, state.adaptive_limit_per_minute or None)
        if self._kept.get(account) != limits:
            keep_limits(self._ledger, account, limits)
            self._kept[account] = limits
