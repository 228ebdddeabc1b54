"""Counts of one are singular."""

from console.rendering.limits import limit_lines
from operations.limits import Limits
from tests.unit.limit_states import limit_state


def test_a_rate_and_a_limit_of_one_call_are_singular():
    rate, limit, *_ = limit_lines(Limits(limit_state(1, adaptive_limit=1)))
    assert rate.startswith("rate     1 call a minute ")
    assert limit.startswith("limit    1 call a minute for ")
