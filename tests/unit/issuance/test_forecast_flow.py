"""The fluid model: campaigns share calls by weight, within their rates and times."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.forecast.flow import end_of_calls, share_calls
from issuance.forecast.work import Campaign, Later, Repeats, Span

campaigns = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(1, 100), st.integers(0, 5_000)),
    min_size=1,
    max_size=6,
).map(lambda rows: [Campaign(key, *row) for key, row in enumerate(rows)])


def test_a_campaign_alone_makes_its_calls_at_the_accounts_speed():
    assert end_of_calls([Campaign(1, jobs=600)], 10.0) == {1: pytest.approx(60.0)}


def test_calls_wait_for_the_end_of_a_suspension():
    assert end_of_calls([Campaign(1, jobs=600)], 10.0, begins=12.0) == {1: pytest.approx(72.0)}


def test_campaigns_share_by_weight_until_one_is_done():
    light, heavy = Campaign(1, jobs=600), Campaign(2, jobs=600, weight=3)
    assert end_of_calls([light, heavy], 10.0) == {
        1: pytest.approx(120.0),
        2: pytest.approx(80.0),
    }


def test_what_an_own_rate_leaves_goes_to_the_others():
    slow, fast = Campaign(1, jobs=60, per_minute=60), Campaign(2, jobs=540)
    assert end_of_calls([slow, fast], 10.0) == {1: pytest.approx(60.0), 2: pytest.approx(60.0)}


def test_no_call_starts_between_two_spans():
    times = (Span(0.0, 30.0), Span(100.0, 200.0))
    assert end_of_calls([Campaign(1, jobs=600, spans=times)], 10.0) == {1: pytest.approx(130.0)}


def test_times_that_end_before_the_work_give_no_end():
    assert end_of_calls([Campaign(1, jobs=600, spans=(Span(0.0, 30.0),))], 10.0) == {1: math.inf}


def test_retries_that_are_due_soon_take_their_turn_and_later_ones_do_not():
    waiting = Campaign(1, jobs=100, later=(Later(5.0, 100), Later(3_600.0, 100)))
    assert end_of_calls([waiting], 10.0) == {1: pytest.approx(20.0)}


def test_repeated_calls_take_their_time():
    often = Campaign(1, jobs=100, repeats=Repeats(first=0.5, again=0.5))
    assert end_of_calls([often], 10.0) == {1: pytest.approx(20.0)}


def test_a_campaign_without_work_has_ended():
    assert end_of_calls([Campaign(1, jobs=0)], 10.0) == {1: 0.0}


@given(campaigns, st.floats(0.1, 500))
def test_shares_never_exceed_the_account_or_a_campaigns_own_rate(found, per_second):
    shares = share_calls(found, per_second)
    assert sum(shares.values()) <= per_second * (1 + 1e-9)
    for each in found:
        assert not each.per_minute or shares[each.id] <= each.per_minute / 60 * (1 + 1e-9)


@given(campaigns, st.floats(0.1, 500))
def test_the_account_is_used_up_unless_every_campaign_is_at_its_own_rate(found, per_second):
    shares = share_calls(found, per_second)
    is_held_back = all(
        each.per_minute and shares[each.id] == pytest.approx(each.per_minute / 60) for each in found
    )
    assert is_held_back or sum(shares.values()) == pytest.approx(per_second)


@given(campaigns, st.floats(0.1, 500))
def test_a_faster_account_ends_no_campaign_later(found, per_second):
    slow, fast = end_of_calls(found, per_second), end_of_calls(found, per_second * 2)
    assert all(fast[key] <= end * (1 + 1e-6) + 1e-6 for key, end in slow.items())
