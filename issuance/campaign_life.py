"""A campaign's life: every change of its state, from draft to closing, in one table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from issuance.states import CampaignState

_DRAFT = CampaignState.DRAFT
_AWAITING = CampaignState.AWAITING_APPROVAL
_SCHEDULED = CampaignState.SCHEDULED
_RUNNING = CampaignState.RUNNING
_PAUSED = CampaignState.PAUSED
_STOPPED = CampaignState.STOPPED
_CANCELLED = CampaignState.CANCELLED
_FINISHED = CampaignState.FINISHED
_CLOSED = CampaignState.CLOSED


class Act(StrEnum):
    """What changes a campaign's state; the value completes the sentence `it cannot be …`."""

    SUBMIT = "submitted"
    """For approval by a second person."""
    SCHEDULE = "scheduled"
    """Submitted where no approval is needed."""
    APPROVE = "approved"
    REJECT = "rejected"
    VOID = "changed"
    """A change of what was submitted or approved."""
    START = "started"
    PAUSE = "paused"
    RESUME = "resumed"
    STOP = "stopped"
    CANCEL = "cancelled"
    FINISH = "finished"
    WAKE = "continued"
    """A finished campaign gets work again."""
    CLOSE = "closed"


TRANSITIONS: Final[Mapping[Act, Mapping[CampaignState, CampaignState]]] = {
    Act.SUBMIT: {_DRAFT: _AWAITING},
    Act.SCHEDULE: {_DRAFT: _SCHEDULED},
    Act.APPROVE: {_AWAITING: _SCHEDULED},
    Act.REJECT: {_AWAITING: _DRAFT},
    Act.VOID: {_DRAFT: _DRAFT, _AWAITING: _DRAFT, _SCHEDULED: _DRAFT},
    Act.START: {_SCHEDULED: _RUNNING},
    Act.PAUSE: {_RUNNING: _PAUSED, _PAUSED: _PAUSED},
    Act.RESUME: {_PAUSED: _RUNNING, _RUNNING: _RUNNING, _STOPPED: _RUNNING},
    Act.STOP: {_RUNNING: _STOPPED},
    Act.CANCEL: {state: _CANCELLED for state in CampaignState if state is not _CLOSED},
    Act.FINISH: {_RUNNING: _FINISHED, _PAUSED: _FINISHED},
    Act.WAKE: {_RUNNING: _RUNNING, _FINISHED: _RUNNING},
    Act.CLOSE: {_FINISHED: _CLOSED, _CANCELLED: _CLOSED},
}
"""By act: the new state for each state in which it is allowed."""


def next_state(act: Act, state: CampaignState) -> CampaignState | None:
    """Return the state after an act; None: the act is not allowed in this state."""
    return TRANSITIONS[act].get(state)


def states_before(act: Act) -> tuple[CampaignState, ...]:
    """Return the states in which an act is allowed."""
    return tuple(TRANSITIONS[act])
