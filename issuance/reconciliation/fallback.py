"""What a line stands as when no look has found its job: what the API's last reply to its sending said of it."""

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


def standing_state(code: int, message: str) -> State:
    """The state of a line of which the API has said something definite, and its reads say nothing.

    Args:
        code: what the API said of the line.
        message: the same in words.
    """
    return _STATES.get(find_code(code, message).verdict, State.FAILED)


def fallback_reason(code: int, message: str) -> Reason:
    """Why an operator must look at a line that stands as refused with this code."""
    return refusal_reason(find_code(code, message).verdict)
