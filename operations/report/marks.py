"""What happened on a campaign's time axis: pauses, stops, approvals, limits and windows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from issuance.reward_key import describe_reward
from issuance.windows import stored_window
from ledger.audit_log import AuditEntry
from operations.formats import iso
from operations.history_sentences import sentence

MOST_CLOSED: Final = 12
"""Closed times of a window that are marked at most."""
_MARKED = {
    *("set", "weight", "cancel", "schedule", "start"),
    *("canary passed", "bulk revoke", "replace", "remove reward", "continue reward"),
}
_Data = Mapping[str, Any]


def make_marks(
    statement: _Data, account_acts: Sequence[AuditEntry], begin: str, end: str
) -> list[dict[str, Any]]:
    """Return what happened, in order: a moment, or a time with an end.

    Args:
        statement: the closing statement.
        account_acts: what was done to the account in this time.
        begin: the beginning of the axis, in ISO 8601.
        end: its end.
    """
    found = [
        *_pauses(statement["pauses"], end),
        *_stops(statement["stops"], end),
        *_approvals(statement["approvals"]),
        *(_moment(act["at"], _act(act)) for act in statement["acts"] if act["verb"] in _MARKED),
        *(_moment(act["startedAt"], _mass(act)) for act in statement["massActions"]),
        *(_moment(iso(act.at), _account_act(act)) for act in account_acts),
        *closed_times(statement, begin, end)[:MOST_CLOSED],
    ]
    return sorted(found, key=lambda mark: (mark["at"], mark["until"] or "", mark["what"]))


def _moment(at: str | None, what: str) -> dict[str, Any]:
    return {"at": at, "until": None, "what": what}


def _reason(text: str) -> str:
    return f" ({text})" if text else ""


def _pauses(pauses: Sequence[_Data], end: str) -> Iterator[dict[str, Any]]:
    for each in pauses:
        what = f"paused by {each['by']}{_reason(each['reason'])}"
        yield {"at": each["since"], "until": each["until"] or end, "what": what}


def _stops(stops: Sequence[_Data], end: str) -> Iterator[dict[str, Any]]:
    for each in stops:
        reward = f", {describe_reward(each['reward'])}" if each["reward"] else ""
        cause = each["cause"].replace("_", "-")
        resolved = f"; {each['resolution']} by {each['resolvedBy']}" if each["resolvedAt"] else ""
        what = f"stopped by the {cause}{reward}{resolved}"
        yield {"at": each["at"], "until": each["resolvedAt"] or end, "what": what}


def _approvals(approvals: Sequence[_Data]) -> Iterator[dict[str, Any]]:
    for each in approvals:
        note = _reason(each["submitNote"])
        yield _moment(each["submittedAt"], f"submitted by {each['submittedBy']}{note}")
        if each["decidedAt"]:
            by = each["decidedBy"] or "the program"
            what = f"{each['decision']} by {by}{_reason(each['note'])}"
            yield _moment(each["decidedAt"], what)


def _act(act: _Data) -> str:
    what = sentence(act["verb"], "the campaign", act["before"], act["after"])
    return f"{act['by']} {what}{_reason(act['reason'])}"


def _account_act(entry: AuditEntry) -> str:
    what = sentence(entry.verb, "the account", entry.before, entry.after)
    return f"{entry.subject} {what}{_reason(entry.reason)}"


def _mass(action: _Data) -> str:
    return (
        f"{action['kind']} {action['id']} begun by {action['startedBy']}{_reason(action['note'])}"
    )


def closed_times(statement: _Data, begin: str, end: str) -> list[dict[str, Any]]:
    """Return when the campaign's last window was closed, one more than are marked at most."""
    settings = statement["campaign"]["settings"]
    window = None
    if "window" in settings:
        window = stored_window(settings["window"], settings.get("timezone"))
    if window is None:
        return []
    found: list[dict[str, Any]] = []
    at, last = (datetime.fromisoformat(each) for each in (begin, end))
    what = f"outside of its window {window.text} {window.timezone}"
    while len(found) <= MOST_CLOSED:
        closes = window.closes_at(at)
        if closes is None or closes >= last:
            break
        at = window.opens_at(closes)
        found.append({"at": iso(closes), "until": iso(min(at, last)), "what": what})
    return found
