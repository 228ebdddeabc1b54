"""The checks of each API account: its limits, and whether its due work is attempted."""

from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from issuance.job import Lane
from ledger.queries.campaign_accounts import campaigns_without_account
from ledger.queries.stalls import Stall, stalls
from ledger.store.database import Ledger
from limiter.state import LimitState
from limiter.unavailable import LimitsUnavailable
from operations.formats import duration
from operations.health.explained import explain
from operations.health.runner import HEALTHY, Component, Finding
from operations.limits import Limits, adaptive_limit_text, unrelated_text
from operations.services import Services

_SLOW_CALLS = 3.0
"""At a low rate, a stall lasts at least as long as this many calls take."""
_USED_UP = 0.9
"""A lane that makes this share of the rate uses it up: background work goes first."""
_NAMED_CAMPAIGNS = 5

WORKER_OF = {Lane.BLAST: Component.WORKER, Lane.BACKGROUND: Component.BACKGROUND_WORKER}


def check_limits(context: Services) -> Finding:
    """Check that the limits of every account can be read and written; note adaptive limits."""
    try:
        states = list(account_states(context))
        if not states:
            return Finding(
                "no Redis or no API is configured", "set ISSUANCE_REDIS_URL and ISSUANCE_API_URL"
            )
        context.require_writable_limits()
    except (LimitsUnavailable, ExplainedError, ValueError) as error:
        return explain(error)
    # Notes, not problems: the limit is raised by itself. With a broken accounts file a restart
    # would not help: the process would not start again.
    notes = [
        f"account {limits.account}: {note}" if len(states) > 1 else note
        for limits in states
        for note in _limit_notes(limits)
    ]
    if context.accounts.problem:
        in_use = ", ".join(sorted(context.accounts.all()))
        notes.append(f"the accounts file is not in use, only {in_use}: {context.accounts.problem}")
    return Finding(notes=tuple(notes))


def account_states(context: Services) -> Iterator[Limits]:
    """Read the limits of each account.

    Raises:
        LimitsUnavailable: Redis cannot be reached.
        SettingsError: the accounts file cannot be used.
    """
    for name in sorted(context.accounts.all()):
        limits = context.limits_of(name)
        if limits is not None:
            yield Limits(limits.state(), account=name)


def _limit_notes(limits: Limits) -> Iterator[str]:
    state = limits.state
    if state.adaptive_limit_per_minute:
        yield f"fewer calls than the rate: {adaptive_limit_text(state)}"
    if state.unrelated_share:
        yield unrelated_text(state)


def check_progress(context: Services) -> Finding:
    """Check that due work of every account is attempted; note work whose account is missing."""
    states = list(account_states(context))
    if not states:
        return Finding("no API is configured", "set ISSUANCE_API_URL")
    try:
        with Ledger(context.servers.ledger_url) as ledger:
            found = [
                (limits.account, stall, seconds)
                for limits in states
                for stall, seconds in _unexplained(context, ledger, limits)
            ]
            waiting = campaigns_without_account(ledger, context.accounts.all().keys())
    except DBAPIError as error:
        return Finding(f"the ledger failed ({type(error).__name__})", "look at the database's log")
    notes = tuple(_missing_account(*each) for each in sorted(waiting.items()))
    if not found:
        return Finding(notes=notes) if notes else HEALTHY
    causes = (
        f"{stall.lane} work{f' of account {name}' if len(states) > 1 else ''} has been due for "
        f"{duration(stall.due_seconds)}"
        for name, stall, _ in found
    )
    names = " and ".join(dict.fromkeys(f"`{WORKER_OF[stall.lane]}`" for _, stall, _ in found))
    return Finding(
        f"no call was made for {duration(found[0][2])}: {', '.join(causes)}",
        f"restart {names}, and read its log and the runbook's 'Nothing is being issued'",
        notes,
    )


def _unexplained(
    context: Services, ledger: Ledger, limits: Limits
) -> Iterator[tuple[Stall, float]]:
    seconds = stall_seconds(context.settings.health_stall_seconds, limits.state)
    for stall in stalls(ledger, seconds=seconds, accounts=[limits.account]):
        if not is_explained(stall, limits.state, seconds):
            yield stall, seconds


def _missing_account(name: str, campaigns: list[str]) -> str:
    shown = ", ".join(campaigns[:_NAMED_CAMPAIGNS]) + (
        " and others" if len(campaigns) > _NAMED_CAMPAIGNS else ""
    )
    return (
        f"account {name} is missing, so {shown} must wait: add it to the accounts file again, or "
        "cancel what shall not be issued"
    )


def stall_seconds(setting: float, state: LimitState) -> float:
    """Return how long there must be no call before it is a stall, at the current rate."""
    return (
        max(setting, _SLOW_CALLS * 60 / state.allowed_per_minute)
        if state.allowed_per_minute
        else setting
    )


def is_explained(stall: Stall, state: LimitState, seconds: float) -> bool:
    """Whether a lane may be idle: the account is suspended, or the other lane uses up the rate."""
    if not state.account.is_available:
        return True
    return 0 < _USED_UP * state.allowed_per_minute * seconds / 60 <= stall.attempts_elsewhere
