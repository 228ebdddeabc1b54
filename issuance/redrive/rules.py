"""Dead-letter rules: which redrives are allowed, and why others are refused (design rule 4)."""

from dataclasses import dataclass
from enum import StrEnum

from issuance.outcome import Reason
from issuance.states import DeadLetterState


class Verb(StrEnum):
    """How an operator redrives a dead letter."""

    RESEND = "resend"
    """The same body and the same requestIds: it can never issue twice."""
    REISSUE = "reissue"
    """A new generation with new requestIds, for jobs that were definitely refused."""


ALLOWED: dict[Reason, frozenset[Verb]] = {
    Reason.PARTIAL: frozenset({Verb.RESEND}),
    Reason.IN_DOUBT: frozenset({Verb.RESEND}),
    Reason.EXHAUSTED: frozenset({Verb.RESEND}),
    Reason.UNPROCESSED: frozenset({Verb.RESEND}),
    Reason.FAILED: frozenset({Verb.REISSUE}),
    Reason.LIMIT: frozenset({Verb.REISSUE}),
    Reason.CONFIG: frozenset({Verb.REISSUE}),
    # Undocumented: resending is always safe; the operator decides whether to reissue.
    Reason.UNKNOWN_CODE: frozenset({Verb.RESEND, Verb.REISSUE}),
}

_WHEN_CANCELLED = {Reason.IN_DOUBT: frozenset({Verb.RESEND})}

_WHY_NOT = {
    Verb.RESEND: (
        "the API gave a definite refusal, which burns the requestId: the same bytes would be "
        "refused again. Mend the cause and use --reissue"
    ),
    Verb.REISSUE: (
        "units may have been issued under its requestId, or the API has not yet refused it: a new "
        "requestId could issue twice. Redrive it without --reissue"
    ),
}


_ADVICE = {
    Reason.PARTIAL: "Mend what held back the rest (limit, payment config, vendor), then resend.",
    Reason.IN_DOUBT: "Look it up in the API's transactions, or resend: it never issues twice.",
    Reason.EXHAUSTED: "The API was busy or away for too long: resend when it answers again.",
    Reason.UNPROCESSED: (
        "The gateway refused the call: mend URL, access group or endpoint, then resend."
    ),
    Reason.FAILED: (
        "The API refused it for good: mend the cause named by the code, then reissue, or discard."
    ),
    Reason.LIMIT: "The limit window was used up: reissue when a new window has begun, or discard.",
    Reason.CONFIG: (
        "The set-up is wrong for every job (brand or points vendor): mend it, then reissue, or "
        "discard."
    ),
    Reason.UNKNOWN_CODE: (
        "Undocumented code: ask the API's owner. Resend is safe; reissue if it was refused."
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """The facts about a dead letter that decide its redrives and the advice."""

    state: DeadLetterState
    """Only an open letter can be redriven or discarded."""
    reason: Reason
    campaign: str
    campaign_cancelled: bool = False
    campaign_closed: bool = False
    reissued_as: str | None = None
    """The job that has already replaced it, if there is one."""
    has_refused_line: bool = True
    """Whether any line was definitely refused; only such lines can be reissued."""
    has_revoked_line: bool = False
    """Whether an operator has revoked a line of its job: a resend could issue that line again."""
    customer_erased: bool = False
    """Whether its customer was erased, and with that the body."""


def refusal(case: Case, verb: Verb) -> str | None:
    """Explain why a redrive is refused; None when it is allowed.

    A cancelled campaign sends nothing more. Its jobs in doubt can still be resent: that only reads
    the API's transactions and issues nothing.
    """
    if case.state is not DeadLetterState.OPEN:
        return f"it is {case.state} already, only an open letter can be redriven"
    if case.reissued_as is not None:
        return (
            f"it was reissued as {case.reissued_as}, a second one could issue twice: "
            "look at that job, or discard this"
        )
    allowed = _allowed(case)
    if verb in allowed:
        return None
    if case.has_revoked_line and verb is Verb.RESEND and not case.customer_erased:
        return f"{_REVOKED} Discard it{', or reissue what was refused' if allowed else ''}"
    if allowed:
        return (
            f"{verb} is not allowed for a dead letter with reason {case.reason}: {_WHY_NOT[verb]}"
        )
    return _why_none_is_allowed(case)


_REVOKED = "a line of its job was revoked, and sending the job again could issue that line again."


def _why_none_is_allowed(case: Case) -> str:
    if case.customer_erased:
        return "its customer was erased, so there is no body to send. Discard it"
    if case.campaign_closed:
        return f"its campaign {case.campaign} is closed: nothing more is sent. Discard it"
    if case.campaign_cancelled:
        return (
            f"its campaign {case.campaign} was cancelled, which is for good: "
            "nothing more is sent. Discard it"
        )
    return "none of its lines was refused by the API, so there is none to reissue. Discard it"


def _allowed(case: Case) -> frozenset[Verb]:
    if case.customer_erased or case.campaign_closed:
        return frozenset()
    if case.campaign_cancelled:
        return _WHEN_CANCELLED.get(case.reason, frozenset())
    forbidden = {
        Verb.REISSUE: not case.has_refused_line,
        Verb.RESEND: case.has_revoked_line,
    }
    return frozenset(verb for verb in ALLOWED[case.reason] if not forbidden[verb])


def advice(case: Case) -> str:
    """Say in one sentence what an operator can do about a dead letter."""
    if case.state is not DeadLetterState.OPEN:
        return f"nothing: it is {case.state}"
    if case.reissued_as is not None:
        return (
            f"A late answer came after it was reissued as {case.reissued_as}: "
            "look at both, then discard this one."
        )
    if not (allowed := _allowed(case)):
        return "Nothing more can be sent for it: take note of what was issued, then discard it."
    if case.campaign_cancelled:
        return (
            "Its campaign was cancelled: a resend looks it up in the API's transactions "
            "and sends nothing."
        )
    return _ADVICE[case.reason] if allowed == ALLOWED[case.reason] else _narrow_advice(case)


def _narrow_advice(case: Case) -> str:
    if case.has_revoked_line:
        return "A line of its job was revoked: reissue what was refused, or discard it."
    return "None of its lines was refused, so there is none to reissue: resend is safe."
