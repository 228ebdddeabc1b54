"""The garbage collector runs rarely inside the block, and as before afterwards."""

import gc

import pytest

from config.gc_tuning import collecting_rarely


@pytest.fixture(autouse=True)
def usual():
    """The interpreter's own thresholds: another test may have tuned this process."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_afterwards_the_collector_runs_as_often_as_before():
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), collecting_rarely():
        _fail_if_rare(before[0])
    assert gc.get_threshold() == before


def _fail_if_rare(usual):
    if gc.get_threshold()[0] > usual:
        raise ZeroDivisionError
