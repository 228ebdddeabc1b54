"""Batching results for the ledger: group sizes, waiting times and the end of the queue."""

import threading
from queue import SimpleQueue
from types import SimpleNamespace

from worker.chunk.batching import gather_groups

ITEM, LAST = SimpleNamespace(ends_group=False), SimpleNamespace(ends_group=True)


def _queue(*items, ended=True):
    arrivals = SimpleQueue()
    for item in items:
        arrivals.put(item)
    if ended:
        arrivals.put(None)
    return arrivals


def test_many_items_are_split_into_groups_of_250():
    assert [len(group) for group in gather_groups(_queue(*[ITEM] * 600))] == [250, 250, 100]


def test_an_item_that_ends_its_group_releases_it_at_once():
    groups = gather_groups(_queue(ITEM, ITEM, LAST, ended=False))
    released = []
    reader = threading.Thread(target=lambda: released.append(next(groups)), daemon=True)
    reader.start()
    reader.join(0.09)
    assert [len(group) for group in released] == [3]


def test_items_that_arrived_after_a_group_ending_item_join_the_group():
    assert len(next(gather_groups(_queue(LAST, ITEM, LAST, ITEM, ended=False)))) == 4


def test_a_group_is_released_shortly_after_its_first_item():
    assert len(next(gather_groups(_queue(ITEM, ITEM, ended=False)))) == 2


def test_items_before_the_end_are_still_grouped():
    assert [len(group) for group in gather_groups(_queue(ITEM, ITEM))] == [2]


def test_no_items_make_no_group():
    assert list(gather_groups(_queue())) == []
