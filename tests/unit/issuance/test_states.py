"""States only move forward, in whatever order replies arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.states import OPEN, SETTLED, State, may_replace

states = st.sampled_from(list(State))
unrevoked = st.sampled_from([state for state in State if state is not State.REVOKED])


def after(start, replies):
    state = start
    for reply in replies:
        if may_replace(state, reply):
            state = reply
    return state


def test_every_state_is_either_open_or_settled():
    assert set(OPEN) | set(SETTLED) == set(State)
    assert not set(OPEN) & set(SETTLED)


@pytest.mark.parametrize("old", OPEN)
@pytest.mark.parametrize("new", list(State))
def test_an_open_state_can_become_any_state(old, new):
    assert may_replace(old, new)


@pytest.mark.parametrize(
    ("old", "better"),
    [
        (State.ISSUED, set()),
        (State.PARTIAL, {State.ISSUED}),
        (State.FAILED, {State.PARTIAL, State.ISSUED}),
        (State.IN_DOUBT, {State.FAILED, State.PARTIAL, State.ISSUED}),
        (State.CANCELLED, {State.FAILED, State.PARTIAL, State.ISSUED}),
        (State.REPLACED, {State.PARTIAL, State.ISSUED}),
        (State.REVOKED, set()),
    ],
)
def test_a_settled_state_only_changes_with_better_knowledge(old, better):
    assert {new for new in State if may_replace(old, new)} == better


@given(st.lists(states))
def test_no_sequence_of_replies_ever_leaves_issued(replies):
    assert after(State.ISSUED, replies) is State.ISSUED


@given(unrevoked, st.lists(unrevoked))
def test_an_issued_reply_always_ends_as_issued(start, replies):
    assert after(start, [*replies, State.ISSUED]) is State.ISSUED
    assert after(start, [State.ISSUED, *replies]) is State.ISSUED


@given(st.sampled_from(SETTLED), st.lists(states))
def test_no_sequence_of_replies_reopens_a_settled_state(start, replies):
    assert after(start, replies) in SETTLED


@given(states, st.lists(st.sampled_from([State.FAILED, State.PARTIAL, State.ISSUED])))
def test_the_order_of_definite_replies_does_not_matter(start, replies):
    assert after(start, replies) is after(start, replies[::-1])
