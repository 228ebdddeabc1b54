"""Which act is possible in which state of a mass action."""

from itertools import product

import pytest

from issuance.redrive.bulk import Act, ActionState, next_action_state

_ALLOWED = {
    (Act.PAUSE, "trial"): "paused",
    (Act.PAUSE, "running"): "paused",
    (Act.PAUSE, "asking"): "paused",
    (Act.RESUME, "paused"): "running",
    (Act.ABORT, "trial"): "aborted",
    (Act.ABORT, "running"): "aborted",
    (Act.ABORT, "asking"): "aborted",
    (Act.ABORT, "paused"): "aborted",
    (Act.GO_ON, "asking"): "running",
    (Act.GO_ON, "trial"): "running",
}


@pytest.mark.parametrize(("act", "state"), list(product(Act, ActionState)))
def test_every_act_in_every_state(act, state):
    assert next_action_state(act, state, judged=True) == _ALLOWED.get((act, state.value))


def test_a_trial_that_has_not_ended_continues_after_a_pause():
    assert next_action_state(Act.RESUME, ActionState.PAUSED, judged=False) is ActionState.TRIAL
