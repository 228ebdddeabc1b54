"""Grouping results for the ledger: full groups, no waiting after what ends one, nothing lost at the end."""

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


def test_many_items_come_in_groups_of_250():
    assert [len(group) for group in gather_groups(_queue(*[ITEM] * 600))] == [250, 250, 100]


def test_an_item_that_ends_its_group_is_handed_on_at_once():
    groups = gather_groups(_queue(ITEM, ITEM, LAST, ended=False))
    handed_on = []
    reader = threading.Thread(target=lambda: handed_on.append(next(groups)), daemon=True)
    reader.start()
    reader.join(0.09)
    assert [len(group) for group in handed_on] == [3]


def test_what_has_come_after_the_end_of_a_group_goes_along():
    assert len(next(gather_groups(_queue(LAST, ITEM, LAST, ITEM, ended=False)))) == 4


def test_a_group_is_handed_on_a_moment_after_its_first_item():
    assert len(next(gather_groups(_queue(ITEM, ITEM, ended=False)))) == 2


def test_an_end_loses_none_of_those_that_came():
    assert [len(group) for group in gather_groups(_queue(ITEM, ITEM))] == [2]


def test_no_items_make_no_group():
    assert list(gather_groups(_queue())) == []
