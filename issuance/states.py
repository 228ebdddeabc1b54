"""The states of lines, campaigns and dead letters. Ledger, console and docs use the same words."""

from enum import StrEnum


class CampaignState(StrEnum):
    """A campaign's state."""

    DRAFT = "draft"
    """Accepts rows and holds them."""
    AWAITING_APPROVAL = "awaiting_approval"
    """Submitted: a second person decides."""
    SCHEDULED = "scheduled"
    """Approved, or submitted where no approval is needed; the release starts it when it is time."""
    RUNNING = "running"
    PAUSED = "paused"
    """No job is released until an operator resumes it."""
    STOPPED = "stopped"
    """Stopped by the program: by the stop-loss, the canary or a budget."""
    CANCELLED = "cancelled"
    """Ended by an operator; it cannot be resumed."""
    FINISHED = "finished"
    """No open jobs. Accepting or resending one makes the campaign run again."""
    CLOSED = "closed"
    """Ended and accounted for: nothing is accepted or sent any more."""


class DeadLetterState(StrEnum):
    """A dead letter's state."""

    OPEN = "open"
    """An operator has to redrive or discard it."""
    REDRIVEN = "redriven"
    """Resent or reissued; not issued yet, and not opened again."""
    CLOSED = "closed"
    """Its job, or the one that replaced it, was issued."""
    DISCARDED = "discarded"
    """An operator decided to do nothing more."""


class State(StrEnum):
    """A line's state. `waiting`, `queued` and `running` come from its job; the rest are settled."""

    WAITING = "waiting"
    """Waits to be released when it is due."""
    QUEUED = "queued"
    """Released; its chunk is on the broker, or about to be."""
    RUNNING = "running"
    """Claimed by a worker until the lease ends."""
    ISSUED = "issued"
    PARTIAL = "partial"
    """Some of the requested units were issued (code 8010)."""
    FAILED = "failed"
    """A definite refusal: nothing was issued under this requestId."""
    IN_DOUBT = "in_doubt"
    """No readable answer came: it may have been issued."""
    CANCELLED = "cancelled"
    """The campaign was cancelled before the first send."""
    REPLACED = "replaced"
    """Refused, or never sent; a reissue or a corrected row took its place."""
    REVOKED = "revoked"
    """Issued, and its transactions were cancelled at the API by an operator."""


OPEN = (State.WAITING, State.QUEUED, State.RUNNING)
SETTLED = (
    State.ISSUED,
    State.PARTIAL,
    State.FAILED,
    State.IN_DOUBT,
    State.CANCELLED,
    State.REPLACED,
    State.REVOKED,
)
NOT_STARTED = (
    CampaignState.DRAFT,
    CampaignState.AWAITING_APPROVAL,
    CampaignState.SCHEDULED,
)
"""The states of a campaign before its first release."""
CALLABLE = (CampaignState.RUNNING, CampaignState.FINISHED)
"""The states of a campaign in which its jobs may be sent."""

_RANK = {
    State.WAITING: 0,
    State.QUEUED: 0,
    State.RUNNING: 0,
    State.CANCELLED: 1,
    State.IN_DOUBT: 1,
    State.FAILED: 2,
    State.REPLACED: 2,
    State.PARTIAL: 3,
    State.ISSUED: 4,
    State.REVOKED: 5,
}


_BY_OPERATORS = (State.REPLACED, State.REVOKED)


def may_replace(old: State, new: State) -> bool:
    """Return whether a reply that says `new` may overwrite `old`.

    Only better knowledge replaces a settled state (design rule 7): a definite answer replaces
    `in_doubt`, and proof that more was issued replaces `failed` and `partial`. Nothing replaces
    `issued` or `revoked`. A line that was replaced counts as a refused one. No reply says
    `replaced` or `revoked`.
    """
    if _RANK[old] == 0:
        return True
    return _RANK[new] > _RANK[old] and new not in _BY_OPERATORS
