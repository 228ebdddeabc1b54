"""The classes of a closed campaign's outcomes: how many, why, and what may be done. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from issuance.plain_words import reason
from issuance.replies.codes import Verdict, find_code
from issuance.states import State
from ledger.queries.code_counts import CodeCount

_ELSEWHERE = "issue it in another campaign"
_REMEDIES: Final[Mapping[State, str]] = {
    State.ISSUED: "",
    State.PARTIAL: "issue the missing units in another campaign",
    State.IN_DOUBT: (
        "look at the customer's transactions at the API; only if it is not there, " + _ELSEWHERE
    ),
    State.CANCELLED: f"if it is still wanted, {_ELSEWHERE}",
    State.REPLACED: "nothing: the line in its place counts",
    State.REVOKED: "nothing: an operator decided it",
}
_CORRECT = f"correct the row or the reward, then {_ELSEWHERE}"
_BUSY = f"the API was busy: {_ELSEWHERE}"
_OF_REFUSAL: Final[Mapping[Verdict, str]] = {
    **dict.fromkeys((Verdict.ISSUED, Verdict.PARTIAL, Verdict.REFUSED), _CORRECT),
    Verdict.LIMIT: f"when the limit allows it again, {_ELSEWHERE}",
    Verdict.CONFIG: f"correct the set-up at the API, then {_ELSEWHERE}",
    Verdict.TRANSIENT: _BUSY,
    Verdict.RECHECK: _REMEDIES[State.IN_DOUBT],
    Verdict.UNKNOWN: f"ask the API's owner what the code means; then {_ELSEWHERE}",
}
_PRUNED = "it was pruned, and its code with it"


def outcome_classes(
    states: Sequence[Mapping[str, Any]], counts: Sequence[CodeCount]
) -> list[dict[str, Any]]:
    """Divide the statement's states by code, with cause and remedy.

    Args:
        states: the lines and units of each state, as the statement has them.
        counts: the lines by code that are still in the ledger.
    """
    found = []
    for each in states:
        state = State(each["state"])
        classes = [_class(count) for count in counts if count.state is state]
        rest = each["lines"] - sum(one["lines"] for one in classes)
        if rest > 0:
            units = each["units"] - sum(one["units"] for one in classes)
            classes.append(_without_code(state, rest, max(0, units)))
        found += classes
    return found


def _class(count: CodeCount) -> dict[str, Any]:
    return {
        "state": count.state.value,
        "code": count.code,
        "lines": count.lines,
        "units": count.units,
        "cause": reason(count.state, count.code, None),
        "remedy": remedy(count.state, count.code),
    }


def _without_code(state: State, lines: int, units: int) -> dict[str, Any]:
    is_issued = state is State.ISSUED
    return {
        "state": state.value,
        "code": None,
        "lines": lines,
        "units": units,
        "cause": "" if is_issued else _PRUNED,
        "remedy": "" if is_issued else remedy(state, None),
    }


def remedy(state: State, code: int | None) -> str:
    """Say what may be done about a line of a closed campaign, which takes nothing any more."""
    if state is not State.FAILED:
        return _REMEDIES[state]
    return _BUSY if code is None else _OF_REFUSAL[find_code(code, "").verdict]
