"""States and codes in plain words."""

import pytest

from issuance.plain_words import reason
from issuance.states import State


@pytest.mark.parametrize("state", [each for each in State if each is not State.ISSUED])
def test_every_state_but_issued_has_words(state):
    assert reason(state, None, None)


def test_an_issued_line_needs_no_reason():
    assert reason(State.ISSUED, 200, "Reward issued") == ""


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (12034, None, "the customer is not in the reward's segment"),
        (8003, "voucher is not present", "the vendor returned no voucher"),
        (8003, "off", "not valid, reward disabled or expired, or all rewards failed"),
        (424242, "?", "the API refused it with an unknown code"),
        (None, None, "the API was busy or away until all attempts were used up"),
    ],
)
def test_a_refusal_is_named_by_its_code(code, message, words):
    assert reason(State.FAILED, code, message) == words
