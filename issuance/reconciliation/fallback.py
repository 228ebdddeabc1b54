"""The state of a line whose job no read found: the one that its last reply gave."""

from issuance.outcome import Reason
from issuance.replies.codes import Verdict, find_code
from issuance.states import State

_REASONS = {
    Verdict.LIMIT: Reason.LIMIT,
    Verdict.CONFIG: Reason.CONFIG,
    Verdict.UNKNOWN: Reason.UNKNOWN_CODE,
}
_STATES = {Verdict.ISSUED: State.ISSUED, Verdict.PARTIAL: State.PARTIAL}


def refusal_reason(verdict: Verdict) -> Reason:
    """Why a line that was refused with this verdict needs an operator."""
    return _REASONS.get(verdict, Reason.FAILED)


def fallback_state(code: int, message: str) -> State:
    """The state of a line that has a definite answer but that the reads do not show.

    Args:
        code: the line's code in that answer.
        message: its message.
    """
    return _STATES.get(find_code(code, message).verdict, State.FAILED)


def fallback_reason(code: int, message: str) -> Reason:
    """Why a line that was refused with this code needs an operator."""
    return refusal_reason(find_code(code, message).verdict)
