"""A campaign's life: which act is allowed in which state, and what state follows."""

import pytest

from issuance.campaign_life import Act, next_state, states_before
from issuance.states import CampaignState

# Each row: an act, and for each state in which it is allowed, the state after it.
_ALLOWED = {
    "submitted": {"draft": "awaiting_approval"},
    "scheduled": {"draft": "scheduled"},
    "approved": {"awaiting_approval": "scheduled"},
    "rejected": {"awaiting_approval": "draft"},
    "changed": {"draft": "draft", "awaiting_approval": "draft", "scheduled": "draft"},
    "started": {"scheduled": "running"},
    "paused": {"running": "paused", "paused": "paused"},
    "resumed": {"paused": "running", "running": "running", "stopped": "running"},
    "stopped": {"running": "stopped"},
    "cancelled": dict.fromkeys(
        ("draft", "awaiting_approval", "scheduled", "running", "paused", "stopped", "cancelled",
         "finished"),
        "cancelled",
    ),
    "finished": {"running": "finished", "paused": "finished"},
    "continued": {"running": "running", "finished": "running"},
    "closed": {"finished": "closed", "cancelled": "closed"},
}  # fmt: skip


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("act", Act)
def test_every_act_in_every_state(act, state):
    assert next_state(act, state) == _ALLOWED[act.value].get(state)


def test_the_states_before_an_act():
    assert states_before(Act.CLOSE) == (CampaignState.FINISHED, CampaignState.CANCELLED)
