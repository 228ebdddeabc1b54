"""The ledger's clock: waits are never cut short, and times read back are in UTC."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.clock import instant, milliseconds, now_ms


@pytest.mark.parametrize(
    ("seconds", "whole"), [(0, 0), (0.0, 0), (0.0001, 1), (0.0015, 2), (1.5, 1500), (600, 600_000)]
)
def test_seconds_become_whole_milliseconds_rounded_up(seconds, whole):
    assert milliseconds(seconds) == whole


@given(st.floats(0, 1e9))
def test_a_wait_is_never_cut_short_and_never_longer_than_a_millisecond_more(seconds):
    assert 0 <= milliseconds(seconds) - seconds * 1000 < 1.001


def test_a_ledger_time_reads_as_a_time_in_utc():
    assert instant(1_767_225_600_500) == datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert instant(None) is None


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_the_present_is_told_by_the_database_and_the_same_within_a_statement(dialect):
    statement = str(select(now_ms()).compile(dialect=dialect))
    assert "julianday('now')" in statement or "statement_timestamp()" in statement
