"""Fair queueing: shares follow the weights within one chunk, and limits are respected."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.fair_queue import Contender, FairScheduler, share_window, size_chunk

PLENTY = 1_000_000


def contenders(most_due=PLENTY, least_due=0):
    one = st.tuples(st.integers(1, 100), st.integers(least_due, most_due), st.integers(1, 500))
    rows = st.lists(one, min_size=1, max_size=8)
    return rows.map(lambda found: [Contender(key, *row) for key, row in enumerate(found)])


def jobs(turns):
    counted = Counter()
    for turn in turns:
        counted[turn.key] += turn.size
    return counted


@given(st.integers(0, 4_000), contenders(most_due=2_000))
def test_no_round_exceeds_the_free_window_the_due_jobs_or_the_chunk_size(room, found):
    turns = FairScheduler().take(room, found, may_cut=True)
    given_ = jobs(turns)
    assert sum(given_.values()) <= room
    assert all(given_[each.key] <= each.due for each in found)
    assert all(0 < turn.size <= found[turn.key].chunk_size for turn in turns)


@given(st.integers(0, 4_000), contenders(most_due=2_000))
def test_less_than_a_chunk_stays_free_unless_nothing_is_due(room, found):
    given_ = jobs(FairScheduler().take(room, found, may_cut=True))
    left = room - sum(given_.values())
    if any(given_[each.key] < each.due for each in found):
        assert left < max(each.chunk_size for each in found)
    else:
        assert sum(given_.values()) == sum(each.due for each in found)


@given(st.integers(0, 4_000), contenders(most_due=2_000))
def test_single_jobs_fill_the_room_or_use_up_all_that_is_due(room, found):
    single = [Contender(each.key, each.weight, each.due, 1) for each in found]
    given_ = jobs(FairScheduler().take(room, single, may_cut=False))
    assert sum(given_.values()) == min(room, sum(each.due for each in found))


@given(st.lists(st.integers(0, 1_500), min_size=1, max_size=12), contenders(least_due=PLENTY))
def test_campaigns_with_due_jobs_stay_within_a_chunk_of_each_other_by_weight(rooms, found):
    turns, given_ = FairScheduler(), Counter()
    for room in rooms:
        given_ += jobs(turns.take(room, found, may_cut=False))
    if len(found) == 1:
        return
    for one in found:
        for other in found:
            apart = given_[one.key] / one.weight - given_[other.key] / other.weight
            assert apart <= one.chunk_size / one.weight + other.chunk_size / other.weight + 1e-6


def test_a_new_campaign_starts_at_the_current_virtual_time():
    old, new = Contender(1, 1, PLENTY, 10), Contender(2, 1, PLENTY, 10)
    other = Contender(3, 1, PLENTY, 10)
    turns = FairScheduler()
    turns.take(1_000, [old, other], may_cut=True)
    assert jobs(turns.take(300, [old, other, new], may_cut=False)) == {1: 100, 2: 100, 3: 100}


def test_a_campaign_that_was_alone_owes_nothing():
    old, new = Contender(1, 1, PLENTY, 10), Contender(2, 1, PLENTY, 10)
    turns = FairScheduler()
    turns.take(1_000, [Contender(1, 1, PLENTY, 500)], may_cut=True)
    assert jobs(turns.take(40, [old, new], may_cut=False)) == {1: 20, 2: 20}


def test_a_chunk_is_only_shortened_for_an_empty_window():
    found = [Contender(1, 1, PLENTY, 10), Contender(2, 1, PLENTY, 10)]
    assert FairScheduler().take(4, found, may_cut=False) == []
    assert jobs(FairScheduler().take(4, found, may_cut=True)) == {1: 4}


@pytest.mark.parametrize(
    ("weight", "weights", "window", "shared", "expected"),
    [
        (1, [1], 100, 10, 50),
        (1, [1, 1], 100, 10, 10),
        (3, [3, 1], 100, 10, 15),
        (1, [3, 1], 100, 10, 5),
        (1, [100, 1], 100, 10, 1),
        (1, [3, 1], 100, float("inf"), 50),
        (9, [9, 1, 1, 1], 40, 20, 10),
        (1, [1, 1, 1], 2, 1, 1),
    ],
    ids=[
        "alone: the largest",
        "equal weights: the mean",
        "heavier: larger",
        "lighter: smaller",
        "at least one job",
        "no bound: the largest for all",
        "at most its share of the window",
        "a window too small for all",
    ],
)
def test_a_chunks_size_follows_the_weights(weight, weights, window, shared, expected):
    assert size_chunk(weight, weights, window=window, most=50, shared=shared) == expected


@pytest.mark.parametrize(
    ("window", "wanted", "expected"),
    [
        (100, [500], [100]),
        (100, [500, 500], [50, 50]),
        (100, [10, 500], [10, 90]),
        (100, [10, 20, 500], [10, 20, 70]),
        (100, [0, 500], [0, 100]),
        (2, [9, 9, 9], [1, 1, 1]),
        (100, [], []),
    ],
    ids=["alone", "equal", "one needs little", "two need little", "one needs none", "tiny", "none"],
)
def test_what_one_account_does_not_need_of_the_window_goes_to_the_others(window, wanted, expected):
    assert share_window(window, wanted) == expected


@given(st.integers(0, 10_000), st.lists(st.integers(0, 10_000), max_size=8))
def test_a_window_is_never_given_twice(window, wanted):
    shares = share_window(window, wanted)
    assert all(min(want, 1) <= share <= want for share, want in zip(shares, wanted, strict=True))
    assert sum(shares) <= max(window, 0) + len(wanted)
