"""Dead-letter rules: which reason allows which redrive, and why the other is refused (design rule 4)."""

from enum import StrEnum

from issuance.outcome import Reason


class Verb(StrEnum):
    """How an operator puts a dead letter back to work."""

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
    # Undocumented: resending is always safe, and reissuing is the operator's judgement.
    Reason.UNKNOWN_CODE: frozenset({Verb.RESEND, Verb.REISSUE}),
}

_WHY_NOT = {
    Verb.RESEND: (
        "the API gave a definite refusal, which burns the requestId: the same bytes would be refused "
        "again. Mend the cause and use --reissue"
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
    Reason.UNPROCESSED: "The gateway refused the call: mend URL, access group or endpoint, then resend.",
    Reason.FAILED: "The API refused it for good: mend the cause named by the code, then reissue, or discard.",
    Reason.LIMIT: "The limit window was used up: reissue when a new window has begun, or discard.",
    Reason.CONFIG: "The set-up is wrong for every job (brand or points vendor): mend it, then reissue.",
    Reason.UNKNOWN_CODE: "Undocumented code: ask the API's owner. Resend is safe; reissue if it was refused.",
}


def refusal(reason: Reason, verb: Verb) -> str | None:
    """Explain why a redrive is refused; None when it is allowed."""
    if verb in ALLOWED[reason]:
        return None
    return f"{verb} is not allowed for a dead letter with reason {reason}: {_WHY_NOT[verb]}"


def advice(reason: Reason) -> str:
    """Say in one sentence what an operator can do about a dead letter with this reason."""
    return _ADVICE[reason]
