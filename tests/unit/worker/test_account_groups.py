"""Several accounts: their windows, their chunks in the queue, and the jobs that may be out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.accounts import Account
from config.settings import Settings
from issuance.fair_queue import share_window
from issuance.job import Lane
from ledger.dispatch.release import Chunk
from limiter.state import Availability, BreakerState, LimitState
from worker.account_groups import group_accounts, spread
from worker.windows import bound_outstanding

DEFAULT = Account.of_settings(Settings(_env_file=None, api_url="https://a.test"))


def chunk(name):
    return Chunk(name, "spring", 1, Lane.BLAST, (1,), ("r",))


def test_entries_of_one_api_account_are_one_group():
    entries = {
        "default": DEFAULT,
        "brand": replace(DEFAULT, name="brand", brand="OTHER"),
        "till": replace(DEFAULT, name="till", till="other.till"),
    }
    assert [group.names for group in group_accounts(entries)] == [("default", "brand"), ("till",)]


def test_each_accounts_chunks_are_spread_over_the_queue():
    few, many = [chunk("a")], [chunk(str(number)) for number in range(4)]
    assert [each.id for each in spread([few, many])] == ["0", "1", "a", "2", "3"]
    assert [each.id for each in spread([many])] == ["0", "1", "2", "3"]
    assert spread([]) == []


def test_a_window_goes_first_to_those_who_want_little():
    assert share_window(8_000, [8_000, 8_000]) == [4_000, 4_000]
    assert share_window(8_000, [8_000, 8, 0]) == [7_992, 8, 0]
    assert share_window(1, [5, 5]) == [1, 1]


@given(st.integers(1, 10_000), st.lists(st.integers(0, 10_000), max_size=30))
def test_a_window_is_shared_evenly_and_used_up(window, wanted):
    shares = share_window(window, wanted)
    assert all(share <= wish for share, wish in zip(shares, wanted, strict=True))
    assert all(share > 0 for share, wish in zip(shares, wanted, strict=True) if wish)
    asking = sum(1 for wish in wanted if wish)
    assert sum(shares) <= max(window, asking)
    if window >= asking:
        assert sum(shares) >= min(window, sum(wanted)) - asking
    unmet = [share for share, wish in zip(shares, wanted, strict=True) if share < wish]
    assert not unmet or max(unmet) - min(unmet) <= 1 + len(wanted)


@pytest.mark.parametrize(
    ("limits", "most", "least"),
    [
        (LimitState(0, rate_overridden=False), 4_000, 500),
        (LimitState(600, rate_overridden=False, call_seconds=10.0), 4_100, 500),
        (LimitState(600, rate_overridden=False), 4_005, 500),
    ],
)
def test_what_is_out_is_the_window_and_the_calls_that_a_slow_api_keeps_open(limits, most, least):
    found = bound_outstanding(limits, window=4_000, chunk_size=1_000, lease_seconds=120)
    assert (found.most, found.least, found.left_over_seconds) == (most, least, None)


def test_calls_that_hang_do_not_delay_a_probe():
    breaker = BreakerState(Availability.PROBING)
    limits = LimitState(0, rate_overridden=False, account=breaker)
    found = bound_outstanding(limits, window=2, chunk_size=1, lease_seconds=120)
    assert (found.most, found.least, found.left_over_seconds) == (2, 1, 115)
