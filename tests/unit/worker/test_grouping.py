"""Grouping results for the ledger: full groups, no waiting when nothing more comes, nothing lost at the end."""

import threading
from queue import SimpleQueue

from ledger.results.recording import GiveBack
from tests.unit.worker.build import claimed
from worker.chunk.batching import gather_groups


def _queue(count, *, ended=True):
    results = SimpleQueue()
    for number in range(1, count + 1):
        results.put(GiveBack(claimed(number), 0.0, "a test"))
    if ended:
        results.put(None)
    return results


def test_many_results_come_in_groups_of_250():
    assert [len(group) for group in gather_groups(_queue(600), 600)] == [250, 250, 100]


def test_the_last_group_waits_for_nothing_when_all_have_come():
    groups = gather_groups(_queue(3, ended=False), 3)
    handed_on = []
    reader = threading.Thread(target=lambda: handed_on.append(next(groups)), daemon=True)
    reader.start()
    reader.join(0.09)
    assert [len(group) for group in handed_on] == [3]


def test_a_group_is_handed_on_a_moment_after_its_first_result():
    assert len(next(gather_groups(_queue(2, ended=False), 50))) == 2


def test_an_end_before_all_have_come_loses_none_of_those_that_did():
    assert [len(group) for group in gather_groups(_queue(2), 50)] == [2]


def test_no_results_make_no_group():
    assert list(gather_groups(_queue(0), 5)) == []
