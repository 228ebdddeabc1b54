"""The words for mass actions: their kinds and states, and the states of their items."""

from enum import StrEnum
from typing import Final, assert_never

from issuance.redrive.rules import Verb


class ActionKind(StrEnum):
    """What a mass action does to each of its items."""

    RESEND = "resend"
    REISSUE = "reissue"
    DISCARD = "discard"
    REVOKE = "revoke"
    """Of issued lines; the others are of dead letters."""


class ActionState(StrEnum):
    """A mass action's state."""

    PLANNED = "planned"
    """The selection is frozen; nothing has begun."""
    TRIAL = "trial"
    """The first items are sent, and their results are awaited."""
    ASKING = "asking"
    """A trial was not good enough: an operator decides about the rest."""
    RUNNING = "running"
    PAUSED = "paused"
    ABORTED = "aborted"
    """Ended by an operator: what was not sent stays as it was."""
    FINISHED = "finished"
    """Every item has its result."""
    UNDONE = "undone"
    """What could be taken back was taken back."""


SENDING: Final = (ActionState.TRIAL, ActionState.RUNNING)
"""The states in which rounds send items."""


class ItemState(StrEnum):
    """The state of one item of a mass action."""

    PENDING = "pending"
    HELD = "held"
    """Of a group whose trial was not good enough."""
    SENT = "sent"
    """Its job works again, and is not settled."""
    DONE = "done"
    REFUSED = "refused"
    """When it was its turn, the rules did not allow it, or it had changed."""
    DROPPED = "dropped"
    """The action ended before its turn."""
    UNDONE = "undone"


VERB_OF: Final = {ActionKind.RESEND: Verb.RESEND, ActionKind.REISSUE: Verb.REISSUE}
"""The verbs of redrives."""


class Act(StrEnum):
    """What an operator does to a mass action that has begun."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    GO_ON = "continue"
    """Send what a trial held back."""


_BEFORE: Final = {
    Act.PAUSE: frozenset({ActionState.TRIAL, ActionState.RUNNING, ActionState.ASKING}),
    Act.RESUME: frozenset({ActionState.PAUSED}),
    Act.ABORT: frozenset(
        {ActionState.TRIAL, ActionState.RUNNING, ActionState.ASKING, ActionState.PAUSED}
    ),
    Act.GO_ON: frozenset({ActionState.ASKING, ActionState.TRIAL}),
}


def next_action_state(act: Act, state: ActionState, *, judged: bool) -> ActionState | None:
    """Return the state after an act; None: the act is not possible in this state.

    `judged`: whether a trial has ended, or there was none.
    """
    if state not in _BEFORE[act]:
        return None
    match act:
        case Act.PAUSE:
            return ActionState.PAUSED
        case Act.ABORT:
            return ActionState.ABORTED
        case Act.GO_ON:
            return ActionState.RUNNING
        case Act.RESUME:
            return ActionState.RUNNING if judged else ActionState.TRIAL
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(act)
