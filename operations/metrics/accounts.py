"""The limits of each API account, as the limiter in Redis has them."""

import math
from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric

from limiter.state import Availability, BreakerState, LimitState
from limiter.sync_limiter import SyncLimiter
from operations.metrics import names

_MINUTE = 60


def account_metrics(
    states: Mapping[str, LimitState], slots: Mapping[str, float | None]
) -> Iterator[Metric]:
    """Make the metrics of the accounts.

    Args:
        states: the limits, by the account's name.
        slots: the share of used call slots; None without a rate.
    """
    rate, limit = names.ACCOUNT_RATE.gauge(), names.ACCOUNT_LIMIT.gauge()
    state, suspended = names.ACCOUNT_STATE.gauge(), names.ACCOUNT_SUSPENDED.gauge()
    campaigns, used = names.ACCOUNT_SUSPENDED_CAMPAIGNS.gauge(), names.ACCOUNT_SLOTS.gauge()
    for account, limits in states.items():
        rate.add_metric([account], _per_second(limits.rate_per_minute))
        limit.add_metric([account], _per_second(limits.allowed_per_minute))
        for scope, breaker in (("calls", limits.account), ("reads", limits.reads)):
            for each in Availability:
                is_it = float(breaker.availability is each)
                state.add_metric([account, scope, each.value], is_it)
            suspended.add_metric([account, scope], _lasting(breaker))
        campaigns.add_metric([account], len(limits.campaigns))
        share = slots[account]
        if share is not None:
            used.add_metric([account], share)
    yield from (rate, limit, state, suspended, campaigns, used)


def _per_second(per_minute: int) -> float:
    return per_minute / _MINUTE if per_minute else math.inf


def _lasting(breaker: BreakerState) -> float:
    return 0.0 if breaker.is_available else breaker.for_seconds


def used_slots(limits: SyncLimiter, state: LimitState) -> float | None:
    """Return the share of the last second's call slots that is used; None without a rate.

    Raises:
        LimitsUnavailable: Redis cannot be reached.
    """
    per_minute = state.allowed_per_minute
    if not per_minute:
        return None
    idle = limits.idle_seconds()
    # The burst of the rate limiter: a second's calls, and at least one.
    burst = max(1.0, 60 / per_minute)
    return 0.0 if idle is None else min(1.0, max(0.0, 1 - idle / burst))
