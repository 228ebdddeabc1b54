"""The API account's limits as an operator reads and changes them, and their texts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError

from config.settings import SettingsError
from ledger.campaigns import campaign_names
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from limiter.state import Availability, BreakerState, LimitState
from limiter.sync_limiter import SyncLimiter
from operations.formats import counted, duration
from operations.services import Services

_LIMIT_REASONS = {
    "throttled": "the API throttled calls above it",
    "failures": "calls above it failed",
    "latency": "answers became slow above it",
    "recovery": "calls resume gradually after a suspension",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits at one moment, with the names of the suspended campaigns."""

    state: LimitState
    names: Mapping[int, str] = field(default_factory=dict)
    """By campaign id; a name that could not be read is missing."""

    def suspended_campaigns(self) -> list[tuple[str, BreakerState]]:
        """Return the suspended campaigns by name, or by id where the name is unknown."""
        found = self.state.campaigns.items()
        return [(self.names.get(number, str(number)), breaker) for number, breaker in found]


def read_limits(services: Services, ledger: Ledger | None = None) -> Limits:
    """Read the limits.

    Args:
        services: this process's services.
        ledger: has the campaigns' names; None opens it if there are names to read.

    Raises:
        LimitsUnavailable: Redis cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    state = account_limits(services).state()
    return Limits(state, _names(services, ledger, state))


def account_limits(services: Services) -> SyncLimiter:
    """Find the limits of the configured API account.

    Raises:
        SettingsError: no Redis or no API is configured.
    """
    limits = services.limits_of()
    if limits is None:
        raise SettingsError(
            "The limits live in Redis and belong to an API account: set ISSUANCE_REDIS_URL "
            "(or ISSUANCE_BROKER_URL) and ISSUANCE_API_URL, or start the embedded parts with "
            "`issuance up`"
        )
    return limits


def _names(services: Services, ledger: Ledger | None, state: LimitState) -> Mapping[int, str]:
    if not state.campaigns:
        return {}
    with suppress(DBAPIError, LedgerError):
        if ledger is not None:
            return campaign_names(ledger, state.campaigns)
        with Ledger(services.servers.ledger_url) as opened:
            return campaign_names(opened, state.campaigns)
    return {}


def breaker_text(breaker: BreakerState) -> str:
    """Say whether calls may start; if not, for how long and why."""
    if breaker.is_available:
        return "available"
    since = f"for {duration(breaker.for_seconds)} already"
    reason = f": {breaker.reason}" if breaker.reason else ""
    if breaker.availability is Availability.SUSPENDED:
        return f"suspended for another {duration(breaker.until_seconds)}, {since}{reason}"
    return f"probing, one call at least every 2 s, {since}{reason}"


def adaptive_limit_text(state: LimitState) -> str:
    """Say what the adaptive limit is, how long it has been in force, and why."""
    reason = _LIMIT_REASONS.get(state.adaptive_limit_reason, state.adaptive_limit_reason)
    lasting = duration(state.adaptive_limit_seconds)
    return f"{counted(state.adaptive_limit_per_minute, 'call')} a minute for {lasting}: {reason}"


def unrelated_text(state: LimitState) -> str:
    """Say which share of calls fails at any rate."""
    share = f"{state.unrelated_share:.0%}"
    return f"{share} of calls fail at any rate, so the limit is not lowered for them"


def limits_json(limits: Limits) -> dict[str, Any]:
    """Return the limits for programs; the last six keys are old names, kept for compatibility."""
    state = limits.state
    return {
        "ratePerMinute": state.rate_per_minute,
        "setAtRunTime": state.rate_overridden,
        **_breaker_json(state.account),
        "refusedInARow": state.account.refused,
        "adaptiveLimitPerMinute": state.adaptive_limit_per_minute or None,
        "adaptiveLimitReason": state.adaptive_limit_reason,
        "adaptiveLimitSeconds": round(state.adaptive_limit_seconds, 3),
        "unrelatedFailureShare": state.unrelated_share,
        "reads": _breaker_json(state.reads),
        "suspendedCampaigns": [
            {"campaign": name, **_breaker_json(breaker)}
            for name, breaker in limits.suspended_campaigns()
        ],
        "closedSeconds": round(state.account.until_seconds, 3),
        "why": state.account.reason,
        "failuresInARow": state.account.refused,
        "ceilingPerMinute": state.adaptive_limit_per_minute or None,
        "ceilingWhy": state.adaptive_limit_reason,
        "ceilingSeconds": round(state.adaptive_limit_seconds, 3),
    }


def _breaker_json(breaker: BreakerState) -> dict[str, Any]:
    return {
        "availability": breaker.availability,
        "suspendedSeconds": round(breaker.until_seconds, 3),
        "unavailableForSeconds": round(breaker.for_seconds, 3),
        "reason": breaker.reason,
    }
