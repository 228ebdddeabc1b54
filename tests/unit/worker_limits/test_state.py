"""The limits as an operator sees them."""

import pytest

from limiter.state import LimitState


def read(rate, ceiling, *, closings=0):
    return LimitState.read([rate, 0, 0, closings, 0, "", ceiling, "slow answers", 2_500_000])


@pytest.mark.parametrize(("rate", "ceiling", "allowed"), [(600, 0, 600), (600, 90, 90), (0, 90, 90), (0, 0, 0)])
def test_the_lower_of_rate_and_ceiling_is_allowed(rate, ceiling, allowed):
    assert read(rate, ceiling).allowed_per_minute == allowed


def test_a_ceiling_tells_why_and_for_how_long():
    state = read(600, 90)
    assert (state.ceiling_why, state.ceiling_seconds) == ("slow answers", 2.5)


def test_without_a_ceiling_nothing_is_told_of_it():
    state = read(600, 0)
    assert (state.ceiling_why, state.ceiling_seconds, state.is_held_back) == ("", 0.0, False)


def test_calls_are_held_back_under_a_ceiling_and_while_the_account_is_probed():
    assert read(600, 90).is_held_back
    assert read(600, 0, closings=1).is_held_back
