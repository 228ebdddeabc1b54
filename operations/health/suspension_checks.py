"""The checks of what the API does with each account's calls: it answers, and it accepts them."""

import re
from collections.abc import Iterator

from issuance.errors import ExplainedError
from limiter.state import BreakerState
from limiter.unavailable import LimitsUnavailable
from operations.formats import duration
from operations.health.account_checks import account_states
from operations.health.explained import explain
from operations.health.runner import Component, Finding
from operations.limits import Limits, breaker_text
from operations.services import Services

_STATUS = re.compile(r"HTTP (\d{3})\b")
_NO_ANSWERS = frozenset({408, 425})
"""Statuses of 400 to 499 that say nothing about the account."""
_REMEDIES = {
    Component.ACCOUNT: "remove the cause, such as a wrong password or a limit of the account; "
    "`issuance account check` tries the credentials, and calls resume by themselves",
    Component.API: "check the API's own status and the network to it; calls resume by themselves",
}


def check_suspension(context: Services, part: Component) -> Finding:
    """Check that no account's calls or reads are suspended for the cause that `part` stands for.

    A suspension shorter than `ISSUANCE_HEALTH_STALL_SECONDS` is a note: most end by themselves.

    Args:
        context: the services to check.
        part: `ACCOUNT`, the API refuses the account; or `API`, it does not answer.
    """
    try:
        states = list(account_states(context))
    except (LimitsUnavailable, ExplainedError, ValueError) as error:
        return explain(error)
    least = context.settings.health_stall_seconds
    causes, notes = [], []
    for limits in states:
        for what, breaker in _suspended(limits):
            if suspended_part(breaker.reason) is part:
                of = f" of account {limits.account}" if len(states) > 1 else ""
                if breaker.for_seconds >= least:
                    causes.append(f"{what}{of} {_since(part, breaker)}")
                else:
                    notes.append(f"{what}{of} are {breaker_text(breaker)}")
    if not causes:
        return Finding(notes=tuple(notes))
    return Finding("; ".join(causes), _REMEDIES[part], tuple(notes))


def _suspended(limits: Limits) -> Iterator[tuple[str, BreakerState]]:
    if not limits.state.account.is_available:
        yield "calls", limits.state.account
    if not limits.state.reads.is_available:
        yield "reads", limits.state.reads


def _since(part: Component, breaker: BreakerState) -> str:
    verb = "have had no answer" if part is Component.API else "have been suspended"
    reason = f": {breaker.reason}" if breaker.reason else ""
    return f"{verb} for {duration(breaker.for_seconds)}{reason}"


def suspended_part(reason: str) -> Component:
    """Return which part a suspension concerns, by the last refusal."""
    if reason.startswith("token"):
        return Component.ACCOUNT
    found = _STATUS.match(reason)
    status = int(found[1]) if found else 0
    is_refusal = 400 <= status < 500 and status not in _NO_ANSWERS  # noqa: PLR2004
    return Component.ACCOUNT if is_refusal else Component.API
