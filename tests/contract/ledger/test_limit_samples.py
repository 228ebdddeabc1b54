"""Samples of limits: a row for each change, and what was in force stays known."""

import pytest
from sqlalchemy import select, update

from ledger.limit_samples import Limits, keep_limits, prune_limits, read_limits
from ledger.store.schema import limit_samples

FAST, SLOW, FREE = Limits(6_000, None), Limits(6_000, 400), Limits(None, None)


@pytest.fixture
def kept(ledger):
    """Three limits, at 1000, 2000 and 3000 ms."""
    for number, limits in enumerate((FAST, SLOW, FREE), 1):
        keep_limits(ledger, "default", limits)
        with ledger.write() as connection:
            newest = select(limit_samples.c.at).order_by(limit_samples.c.at.desc()).limit(1)
            connection.execute(
                update(limit_samples)
                .where(limit_samples.c.at == newest.scalar_subquery())
                .values(at=number * 1_000)
            )
    return ledger


def read(ledger, begin=0, end=10**15, account="default"):
    with ledger.read() as connection:
        return list(read_limits(connection, account, begin, end))


def test_a_row_is_written_only_for_a_change(ledger):
    for limits in (FAST, FAST, SLOW, SLOW):
        keep_limits(ledger, "default", limits)
    keep_limits(ledger, "shop", FAST)
    assert [limits for _, limits in read(ledger)] == [FAST, SLOW]
    assert [limits for _, limits in read(ledger, account="shop")] == [FAST]


def test_limits_of_a_time_begin_with_what_was_in_force(kept):
    assert read(kept) == [(1_000, FAST), (2_000, SLOW), (3_000, FREE)]
    assert read(kept, 1_500, 2_500) == [(1_500, FAST), (2_000, SLOW)]
    assert read(kept, 2_000, 2_999) == [(2_000, FAST), (2_000, SLOW)]
    assert read(kept, 5_000, 6_000) == [(5_000, FREE)]
    assert read(kept, 0, 500) == []
    assert read(kept, account="shop") == []


def test_pruning_keeps_what_was_in_force_at_its_time(kept):
    prune_limits(kept, 2_500)
    assert read(kept) == [(2_000, SLOW), (3_000, FREE)]
    prune_limits(kept, 9_000)
    assert read(kept) == [(3_000, FREE)]
