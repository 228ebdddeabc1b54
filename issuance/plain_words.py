"""States and codes in plain words, for people who know neither the API nor this program."""

from issuance.replies.codes import UNKNOWN, find_code
from issuance.states import State

_WORDS = {
    State.WAITING: "it was not sent yet, or will be sent again",
    State.QUEUED: "it is about to be sent",
    State.RUNNING: "it is being sent",
    State.PARTIAL: "only some of the units were issued",
    State.IN_DOUBT: "no readable answer came, so it may have been issued",
    State.CANCELLED: "its campaign was cancelled before it was sent",
    State.REPLACED: "a reissue or a corrected row took its place",
    State.REVOKED: "it was issued, and an operator took it back",
}
_NO_CODE = "the API was busy or away until all attempts were used up"
_REFUSED = "the API refused it"


def reason(state: State, code: int | None, message: str | None) -> str:
    """Say in plain words why a line is not issued; "" if it is.

    Args:
        state: the line's state.
        code: the code of the last answer that counts; None: there is none.
        message: the API's message, which distinguishes some codes.
    """
    if state is State.ISSUED:
        return ""
    if state is State.FAILED:
        return _refusal(code, message or "")
    return _WORDS[state]


def _refusal(code: int | None, message: str) -> str:
    if code is None:
        return _NO_CODE
    row = find_code(code, message)
    return f"{_REFUSED} with an unknown code" if row is UNKNOWN else row.meaning
