"""An account's last hour: calls, rate, adaptive limit, suspensions, answers and locks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from ledger.campaigns import campaign_names
from ledger.queries.newest_answers import AnswerCount, newest_answers
from ledger.store.database import Ledger
from limiter.customer_locks import HeldLocks
from limiter.limit_history import KEPT_SECONDS, Change, Past, Sample
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import iso
from operations.limits import Limits, account_limits, read_limits
from operations.services import Services

_TOGETHER_SECONDS = 60.0
"""A suspension that begins this soon after another one belongs to the same incident."""
_GAP_SECONDS = 60.0
"""Without a sample for longer than this, nothing is known."""

Point = tuple[float, float | None]
"""Seconds since 1970, and calls a minute; None: nothing is known, or there is no limit."""


@dataclass(slots=True)
class Incident:
    """Suspensions of one scope that follow each other within a minute."""

    scope: str
    """`account`, `reads` or `campaign`."""
    campaign_id: int
    """Of the scope `campaign`, else 0."""
    begin: float | None
    """Seconds since 1970; None: before the last hour."""
    end: float | None
    """None: it lasts."""
    times: int
    reason: str
    """The last refusal; "" if the incident began before the last hour."""


@dataclass(frozen=True, slots=True)
class AccountPast:
    """One account's last hour."""

    limits: Limits
    """As they are now."""
    begin: float
    end: float
    calls: list[Point]
    rate: list[Point]
    adaptive_limit: list[Point]
    since: float | None
    """The first sample of the hour; None: there is none."""
    incidents: list[Incident]
    """The newest first."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Of the incidents' campaigns, by id."""

    def what(self, incident: Incident) -> str:
        """Name what was suspended."""
        if incident.scope != "campaign":
            return {"account": "all calls", "reads": "reads"}.get(incident.scope, incident.scope)
        return f"campaign {self.names.get(incident.campaign_id, incident.campaign_id)}"


@needs(Right.VIEW)
def read_past(subject: Subject, services: Services, ledger: Ledger, account: str) -> AccountPast:
    """Read an account's last hour.

    Raises:
        AccountError: there is no such account.
        LimitsUnavailable: Redis, which has it, cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    (limits,) = read_limits(subject, services, ledger, account)
    past = account_limits(services, limits.account).history.read()
    found = list(find_incidents(past.changes))
    ids = {each.campaign_id for each in found if each.campaign_id}
    return AccountPast(
        limits,
        past.now - KEPT_SECONDS,
        past.now,
        list(_calls(past)),
        [(each.at, each.rate or None) for each in past.samples],
        [(each.at, each.limit or None) for each in past.samples],
        past.samples[0].at if past.samples else None,
        sorted(found, key=lambda each: -(each.begin or 0.0)),
        campaign_names(ledger, ids) if ids else {},
    )


def find_incidents(changes: Sequence[Change]) -> Iterator[Incident]:
    """Join suspensions and their ends to incidents, in the order of their begins."""
    newest: dict[tuple[str, int], Incident] = {}
    for change in changes:
        number = change.campaign_id if change.scope == "campaign" else 0
        key = (change.scope, number)
        known = newest.get(key)
        if not change.is_suspended:
            if known is None:
                newest[key] = Incident(change.scope, number, None, change.at, 1, "")
                yield newest[key]
            else:
                known.end = change.at
        elif known is None or (known.end or change.at) < change.at - _TOGETHER_SECONDS:
            newest[key] = Incident(change.scope, number, change.at, None, 1, change.reason)
            yield newest[key]
        else:
            known.end, known.times, known.reason = None, known.times + 1, change.reason


def _calls(past: Past) -> Iterator[Point]:
    for before, after in pairwise(past.samples):
        yield after.at, _calls_a_minute(before, after)


def _calls_a_minute(before: Sample, after: Sample) -> float | None:
    seconds = after.at - before.at
    # Redis counts from zero again when it has lost the account's hash.
    if after.calls < before.calls or not 0 < seconds <= _GAP_SECONDS:
        return None
    return (after.calls - before.calls) * 60 / seconds


@needs(Right.VIEW)
def read_locks(subject: Subject, services: Services, account: str) -> HeldLocks:
    """Count the customers of an account whose calls are open.

    Raises:
        AccountError: there is no such account.
        LimitsUnavailable: Redis, which has them, cannot be reached.
        SettingsError: no Redis or no API is configured.
    """
    return account_limits(services, account).held_locks()


@needs(Right.VIEW)
def read_answers(subject: Subject, ledger: Ledger, account: str) -> list[AnswerCount]:
    """Count what the API answered to the account's newest calls, most frequent first."""
    return newest_answers(ledger, account)


def past_json(past: AccountPast) -> dict[str, Any]:
    """Return an account's last hour for programs."""
    return {
        "account": past.limits.account,
        "from": _iso(past.begin),
        "until": _iso(past.end),
        "suspensions": [
            {
                "what": past.what(each),
                "from": _iso(each.begin),
                "until": _iso(each.end),
                "times": each.times,
                "reason": each.reason,
            }
            for each in past.incidents
        ],
        "samples": [
            {"at": _iso(at), "ratePerMinute": rate, "adaptiveLimitPerMinute": limit}
            for (at, rate), (_, limit) in zip(past.rate, past.adaptive_limit, strict=True)
        ],
        "calls": [{"at": _iso(at), "perMinute": calls} for at, calls in past.calls],
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(datetime.fromtimestamp(at, UTC))
