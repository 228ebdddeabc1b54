"""The check of the campaigns: none is stuck while others make progress."""

from collections.abc import Iterator, Mapping

from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from issuance.job import Lane
from issuance.states import CampaignState
from issuance.windows import stored_window
from ledger.campaigns import list_campaigns
from ledger.queries.overview import CampaignOverview, read_overview, stopped_since
from ledger.queries.ready import ready_seconds
from ledger.queries.stalls import count_calls, stuck_campaigns
from ledger.store.clock import instant
from ledger.store.database import Ledger
from limiter.unavailable import LimitsUnavailable
from operations.formats import counted, duration
from operations.health.account_checks import account_states, stall_seconds
from operations.health.explained import explain
from operations.health.runner import Finding
from operations.limits import Limits, breaker_text
from operations.services import Services
from operations.stops import Stopped, read_stopped

_CALLS = 3
"""A campaign is stuck if it has missed at least this many of its calls."""
_USED_UP = 0.9
_MOST_NAMED = 5
_REMEDY = "read the runbook's 'Nothing is being issued'"


def check_campaigns(context: Services) -> Finding:
    """Check that no campaign is suspended for long, or gets no call while others do.

    Campaigns that an operator paused are noted, and so are those that wait for their windows, and
    what the stop-loss, a canary or a budget stopped.
    """
    try:
        states = list(account_states(context))
        with Ledger(context.servers.ledger_url) as ledger:
            return _check(context, ledger, states)
    except DBAPIError as error:
        return Finding(f"the ledger failed ({type(error).__name__})", "look at the database's log")
    except (LimitsUnavailable, ExplainedError, ValueError) as error:
        return explain(error)


def _check(context: Services, ledger: Ledger, states: list[Limits]) -> Finding:
    with ledger.read() as connection:
        overview = read_overview(connection)
        with_work = [each for each in overview.campaigns if each.open_lines]
        paused = [each for each in with_work if each.state is CampaignState.PAUSED]
        since = stopped_since(connection, [each.name for each in paused]) if paused else {}
    notes = [_paused(each, overview.now, since) for each in paused]
    notes += map(_stopped, read_stopped(ledger).values())
    causes: list[str] = []
    notes += [note for each in with_work if (note := _outside_window(each, overview.now))]
    running = {each.id: each for each in with_work if each.state is CampaignState.RUNNING}
    for limits in states:
        for number, breaker in limits.state.campaigns.items():
            if number not in running:
                continue  # its suspension ends with its next call
            name = running[number].name
            # Outside its window no probe can end its suspension.
            seconds = ready_seconds(running[number], overview.now, breaker.for_seconds)
            if seconds >= context.settings.health_stall_seconds:
                reason = f": {breaker.reason}" if breaker.reason else ""
                lasting = duration(seconds)
                causes.append(f"calls of {name} have been suspended for {lasting}{reason}")
            else:
                notes.append(f"calls of {name} are {breaker_text(breaker)}")
        causes += _stuck(context, ledger, limits)
    if not causes:
        return Finding(notes=tuple(notes))
    more = f"; and {len(causes) - _MOST_NAMED} others" if len(causes) > _MOST_NAMED else ""
    return Finding("; ".join(causes[:_MOST_NAMED]) + more, _REMEDY, tuple(notes))


def _stuck(context: Services, ledger: Ledger, limits: Limits) -> Iterator[str]:
    state = limits.state
    if not state.account.is_available:
        return  # the account is the cause
    seconds = stall_seconds(context.settings.health_stall_seconds, state)
    found = stuck_campaigns(ledger, seconds=seconds, accounts=[limits.account])
    if not found:
        return
    weights = sum(
        each.weight
        for each in list_campaigns(ledger)
        if each.state is CampaignState.RUNNING and each.account == limits.account
    )
    background = count_calls(ledger, Lane.BACKGROUND, seconds=seconds, accounts=[limits.account])
    uses_rate = 0 < _USED_UP * state.allowed_per_minute * seconds / 60 <= background
    for each in found:
        if each.id in state.campaigns or (each.lane is Lane.BLAST and uses_rate):
            continue
        if not is_slow(each.weight, weights, state.allowed_per_minute, seconds):
            yield (
                f"{each.name} has made no call for {duration(seconds)}, although its work has been "
                f"due for {duration(each.due_seconds)} and others make calls"
            )


def is_slow(weight: int, weights: int, per_minute: int, seconds: float) -> bool:
    """Whether a campaign's share of the rate is so small that a call may not have been due.

    Args:
        weight: the campaign's.
        weights: of all running campaigns of the account.
        per_minute: calls that the account may make; 0: unlimited.
        seconds: how long the campaign has made no call.
    """
    return per_minute > 0 and _CALLS * 60 / per_minute * weights / weight > seconds


def _outside_window(campaign: CampaignOverview, now: int) -> str | None:
    """Say when the window of a running campaign opens; None if it is open, or there is none."""
    if campaign.state is not CampaignState.RUNNING or campaign.window is None:
        return None
    lines = counted(campaign.open_lines, "open line")
    window, at = stored_window(campaign.window, campaign.timezone), instant(now)
    if window is None or at is None:
        return f"{campaign.name} waits with {lines}: its window {campaign.window!r} cannot be read"
    if window.is_open(at):
        return None
    opens = f"{window.opening(at)} in {window.timezone}"
    return f"{campaign.name} waits for its window, which opens {opens}, with {lines}"


def _stopped(stopped: Stopped) -> str:
    return f"{stopped.campaign}: {'; '.join(stopped.causes)}: read `issuance status`"


def _paused(campaign: CampaignOverview, now: int, since: Mapping[str, int]) -> str:
    lines = counted(campaign.open_lines, "open line")
    at = since.get(campaign.name)
    lasting = "" if at is None else f" for {duration(max(0, now - at) / 1000)}"
    return f"{campaign.name} has been paused{lasting}, with {lines}"
