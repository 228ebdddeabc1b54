"""The calls of the last minutes, and what the account's limits allowed, for charts."""

import threading
from collections import deque
from dataclasses import dataclass

from config.settings import SettingsError
from ledger.queries.call_buckets import call_buckets
from ledger.store.database import Ledger
from limiter.unavailable import LimitsUnavailable
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.limits import read_limits
from operations.services import Services

_SPAN_SECONDS = 10
_BACK_SECONDS = 900
_SPANS = _BACK_SECONDS // _SPAN_SECONDS

Point = tuple[float, float | None]
"""Seconds since 1970, and calls a minute; None: nothing is known."""


@dataclass(frozen=True, slots=True)
class CallRates:
    """Calls a minute over the last 15 minutes."""

    calls: list[Point]
    allowed: list[Point]
    """What rates and adaptive limits allowed together, since this process began to look."""
    begin: float
    end: float


class CallHistory:
    """What one process remembers: each complete span of time is counted once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._complete_to: int | None = None
        self._allowed: deque[Point] = deque(maxlen=_BACK_SECONDS)

    def read(self, ledger: Ledger, allowed_now: float | None) -> CallRates:
        """Count what is new, and return all of it."""
        span_ms = _SPAN_SECONDS * 1000
        with self._lock:
            found = call_buckets(
                ledger, span_ms=span_ms, back_ms=_BACK_SECONDS * 1000, since=self._complete_to
            )
            # Calls are recorded a moment after they began, so the newest spans are counted again.
            newest = found.now_ms // span_ms
            kept = range(newest - _SPANS, self._complete_to or newest - _SPANS)
            self._counts = {
                number: self._counts[number] for number in kept if number in self._counts
            } | found.counts
            self._complete_to = newest - 3
            self._allowed.append((found.now_ms / 1000, allowed_now))
            per_minute = 60 / _SPAN_SECONDS
            calls: list[Point] = [
                (float(number * _SPAN_SECONDS), self._counts.get(number, 0) * per_minute)
                for number in range(newest - _SPANS, newest)
            ]
            end = found.now_ms / 1000
            begin = end - _BACK_SECONDS
            return CallRates(
                calls, [each for each in self._allowed if each[0] >= begin], begin, end
            )


@needs(Right.VIEW)
def read_call_rates(
    subject: Subject, services: Services, ledger: Ledger, history: CallHistory
) -> CallRates:
    """Read the calls a minute of all accounts, and what was allowed; see `CallHistory`."""
    return history.read(ledger, _allowed(subject, services, ledger))


def _allowed(subject: Subject, services: Services, ledger: Ledger) -> float | None:
    """Add up what the accounts allow now; None: no limit, or it cannot be read."""
    try:
        states = [each.state for each in read_limits(subject, services, ledger)]
    except (LimitsUnavailable, SettingsError):
        return None
    total = 0.0
    for state in states:
        if not state.account.is_available:
            continue
        bounds = [each for each in (state.rate_per_minute, state.adaptive_limit_per_minute) if each]
        if not bounds:
            return None
        total += min(bounds)
    return total
