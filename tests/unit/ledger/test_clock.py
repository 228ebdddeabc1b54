"""The ledger's clock: waits are never cut short, and times are in UTC."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

import ledger
import ledger.store.dialects.postgresql
import ledger.store.dialects.sqlite
from ledger.store.clock import instant, milliseconds, now_ms


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
def test_the_present_is_the_databases_and_the_same_within_a_statement(dialect):
    statement = str(select(now_ms()).compile(dialect=dialect))
    assert "julianday('now')" in statement or "statement_timestamp()" in statement


_CLOCKS = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime"}


@pytest.mark.parametrize(
    "path", sorted(Path(ledger.__path__[0]).rglob("*.py")), ids=lambda path: path.stem
)
def test_no_module_reads_the_machines_clock(path):
    calls = [
        node.func
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    names = {
        call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls
    }
    assert names & _CLOCKS == set()
