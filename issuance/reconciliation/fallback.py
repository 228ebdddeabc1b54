"""The state of a line whose job no read has found: what its last reply said of it."""

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
    """Why an operator must look at a line that is refused with a code of this verdict."""
    return _REASONS.get(verdict, Reason.FAILED)


def fallback_state(code: int, message: str) -> State:
    """The state of a line that has a definite answer and that the reads do not show.

    Args:
        code: what the API said of the line.
        message: the same in words.
    """
    return _STATES.get(find_code(code, message).verdict, State.FAILED)


def fallback_reason(code: int, message: str) -> Reason:
    """Why a line that was refused with this code needs an operator."""
    return refusal_reason(find_code(code, message).verdict)
