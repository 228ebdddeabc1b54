"""PostgreSQL's statistics of a ledger that is being filled, with autovacuum turned off."""

import pytest
from sqlalchemy import text

from ledger.campaigns import ensure_campaign
from ledger.intake.acceptance import accept
from ledger.intake.planner_statistics import Statistics
from ledger.store.database import Ledger
from tests.contract.ledger.build import make_jobs
from tests.postgres import postgres_database, postgres_server

_ENOUGH = 5_000


@pytest.fixture(scope="module")
def postgres_url():
    with postgres_server() as url:
        yield url


@pytest.fixture
def ledger(postgres_url):
    with postgres_database(postgres_url) as url, Ledger(url) as opened:
        opened.migrate()
        with opened.write() as connection:
            for table in ("jobs", "lines"):
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
        yield opened


@pytest.fixture
def fill(ledger):
    """Accept this many jobs with consecutive numbers."""
    first = 1

    def accept_more(count):
        nonlocal first
        accept(ledger, ensure_campaign(ledger, "spring"), make_jobs(count, first=first))
        first += count

    return accept_more


def analyzed_rows(ledger):
    """The row count in the statistics of jobs and lines; -1 before the first ANALYZE."""
    with ledger.read() as connection:
        rows = connection.execute(
            text("SELECT reltuples FROM pg_class WHERE relname IN ('jobs', 'lines')")
        )
        [jobs, lines] = rows.scalars()
        assert jobs == lines
        return jobs


def test_a_large_file_analyzes_the_tables(ledger, send, write_file):
    rows = [f"9198{number:08},1001" for number in range(_ENOUGH + 1)]
    assert send(write_file(*rows)).accepted == _ENOUGH + 1
    assert analyzed_rows(ledger) == _ENOUGH
    send(write_file("919800099999,1001", name="more.csv"))
    assert analyzed_rows(ledger) == _ENOUGH


def test_a_few_jobs_are_left_to_autovacuum(ledger, fill):
    statistics = Statistics(ledger)
    fill(1)
    statistics.added(_ENOUGH - 1)
    statistics.close()
    assert analyzed_rows(ledger) == -1


def test_tables_are_analyzed_again_when_they_have_grown_threefold(ledger, fill):
    statistics = Statistics(ledger)
    fill(_ENOUGH)
    statistics.added(_ENOUGH)
    fill(1)
    statistics.added(3 * _ENOUGH - 1)
    assert analyzed_rows(ledger) == _ENOUGH
    statistics.added(1)
    assert analyzed_rows(ledger) == _ENOUGH + 1


def test_tables_that_doubled_are_analyzed_at_the_end(ledger, fill):
    first, second = Statistics(ledger), Statistics(ledger)
    fill(_ENOUGH)
    first.added(_ENOUGH)
    fill(1)
    second.added(_ENOUGH - 1)
    second.close()
    assert analyzed_rows(ledger) == _ENOUGH
    second.added(1)
    assert analyzed_rows(ledger) == _ENOUGH
    second.close()
    assert analyzed_rows(ledger) == _ENOUGH + 1


def test_a_concurrent_analyze_is_not_awaited(ledger, fill):
    statistics = Statistics(ledger)
    fill(_ENOUGH)
    with ledger.write() as other:
        other.execute(text("LOCK TABLE jobs, lines IN SHARE UPDATE EXCLUSIVE MODE"))
        statistics.added(_ENOUGH)
    assert analyzed_rows(ledger) == -1
