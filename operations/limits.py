"""The API account's limits as an operator reads and changes them, and their texts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError

from config.accounts import AccountError
from config.settings import SettingsError
from issuance.account import DEFAULT_ACCOUNT
from ledger.audit_effects import recorded
from ledger.audit_log import account_target
from ledger.campaigns import campaign_names
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from limiter.state import Availability, BreakerState, LimitState
from limiter.sync_limiter import SyncLimiter
from limiter.unavailable import LimitsUnavailable
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import counted, duration, iso
from operations.services import Services
from operations.wake_up import wake_release

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
    account: str = DEFAULT_ACCOUNT

    def suspended_campaigns(self) -> list[tuple[str, BreakerState]]:
        """Return the suspended campaigns by name, or by id where the name is unknown."""
        found = self.state.campaigns.items()
        return [(self.names.get(number, str(number)), breaker) for number, breaker in found]


@needs(Right.VIEW)
def read_limits(
    subject: Subject,
    services: Services,
    ledger: Ledger | None = None,
    account: str | None = None,
) -> tuple[Limits, ...]:
    """Read the limits of an account, or of all.

    Args:
        subject: asks for it.
        services: this process's services.
        ledger: has the campaigns' names; None opens it if there are names to read.
        account: the account's name; None: all, in the order of their names.

    Raises:
        AccountError: there is no such account.
        LimitsUnavailable: Redis cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    states = [
        (name, account_limits(services, name).state())
        for name in chosen_accounts(services, account)
    ]
    return tuple(Limits(state, _names(services, ledger, state), name) for name, state in states)


@needs(Right.VIEW)
def known_limits(subject: Subject, services: Services, ledger: Ledger) -> tuple[Limits, ...]:
    """Read the limits of each account; none without Redis or without an API."""
    try:
        return read_limits(subject, services, ledger)
    except (LimitsUnavailable, SettingsError):
        return ()


def chosen_accounts(services: Services, account: str | None) -> list[str]:
    """Return the names of the chosen account, or of all accounts.

    Raises:
        AccountError: there is no such account.
    """
    if account is not None:
        return [services.accounts.get(account).name]
    return sorted(services.accounts.all())


@needs(Right.END_SUSPENSION)
def resume_accounts(
    subject: Subject, services: Services, account: str | None, note: str = ""
) -> int:
    """End every suspension of an account, or of all, and wake the release up.

    The limits are not in the ledger: each account's entry is written before, its outcome after it.

    Returns:
        How many suspensions there were.

    Raises:
        AccountError: there is no such account.
        LedgerError: the ledger, which has the audit log, cannot be used.
        LimitsUnavailable: Redis cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    ended = 0
    with services.open_ledger() as ledger:
        for name in chosen_accounts(services, account):
            limits = account_limits(services, name)
            with recorded(
                ledger,
                subject.acting(note),
                verb="end suspensions",
                target=account_target(name),
                after="available",
            ) as outcome:
                count = limits.resume()
                outcome.text = f"{counted(count, 'suspension')} ended"
            ended += count
    wake_release(services)
    return ended


@needs(Right.SET_LIMITS)
def set_account_rate(
    subject: Subject,
    services: Services,
    account: str | None,
    per_minute: int | None,
    note: str = "",
) -> str:
    """Set the rate of an account's workers, and return the account's name.

    The limits are not in the ledger: the entry is written before the change, its outcome after it.

    Args:
        subject: asks for it.
        services: this process's services.
        account: the account's name; None: the only one.
        per_minute: 0 is unlimited; None: the rate of the account's settings.
        note: the reason.

    Raises:
        AccountError: there is no such account, or there are several and none is chosen.
        LedgerError: the ledger, which has the audit log, cannot be used.
        LimitsUnavailable: Redis cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    chosen = chosen_accounts(services, account)
    if len(chosen) > 1:
        raise AccountError(
            f"There are several accounts, each with a rate of its own: choose one with --account, "
            f"one of {', '.join(chosen)}"
        )
    name = chosen[0] if chosen else DEFAULT_ACCOUNT
    limits = account_limits(services, name)
    before = _rate_text(limits.state().rate_per_minute)
    after = "the setting's" if per_minute is None else _rate_text(per_minute)
    with (
        services.open_ledger() as ledger,
        recorded(
            ledger,
            subject.acting(note),
            verb="set limit",
            target=account_target(name),
            before=before,
            after=after,
        ),
    ):
        limits.set_rate(per_minute)
    return name


_DEFAULT = "default"
_LARGEST_RATE = 60_000_000
"""The time between two calls is a whole number of microseconds."""


def read_rate(text: str) -> int | None:
    """Read calls a minute as a person writes them; None: `default`, the rate of the settings.

    Raises:
        UsageError: it is no rate.
    """
    if text == _DEFAULT:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST_RATE:
        raise UsageError(
            f"{text!r} is not a rate: give calls a minute, 0 (unlimited) to {_LARGEST_RATE:,}, "
            "or `default`"
        )
    return int(text)


def _rate_text(per_minute: int) -> str:
    return f"{counted(per_minute, 'call')} a minute" if per_minute else "unlimited"


def account_limits(services: Services, account: str = DEFAULT_ACCOUNT) -> SyncLimiter:
    """Find the limits of an API account.

    Raises:
        SettingsError: no Redis or no API is configured.
    """
    limits = services.limits_of(account)
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
    if breaker.times > 1:
        since += f", {breaker.times} times in {duration(breaker.times_seconds)}"
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
        "account": limits.account,
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
        "unavailableSince": None
        if breaker.is_available
        else iso(datetime.now(UTC) - timedelta(seconds=breaker.for_seconds)),
        "reason": breaker.reason,
        "times": breaker.times,
        "timesSeconds": round(breaker.times_seconds, 3),
    }
