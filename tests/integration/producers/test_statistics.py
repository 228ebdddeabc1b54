"""What PostgreSQL has counted of a ledger that is being filled; autovacuum, a minute later, is off here."""

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
    """Accept so many jobs; the numbers follow each other."""
    first = 1

    def accept_more(count):
        nonlocal first
        accept(ledger, ensure_campaign(ledger, "spring"), make_jobs(count, first=first))
        first += count

    return accept_more


def counted(ledger):
    """Jobs and lines as last counted; -1 is never."""
    with ledger.read() as connection:
        rows = connection.execute(
            text("SELECT reltuples FROM pg_class WHERE relname IN ('jobs', 'lines')")
        )
        [jobs, lines] = rows.scalars()
        assert jobs == lines
        return jobs


def test_a_file_counts_what_it_fills(ledger, send, write_file):
    rows = [f"9198{number:08},1001" for number in range(_ENOUGH + 1)]
    assert send(write_file(*rows)).accepted == _ENOUGH + 1
    assert counted(ledger) == _ENOUGH
    send(write_file("919800099999,1001", name="more.csv"))
    assert counted(ledger) == _ENOUGH


def test_a_few_jobs_are_left_to_autovacuum(ledger, fill):
    statistics = Statistics(ledger)
    fill(1)
    statistics.added(_ENOUGH - 1)
    statistics.close()
    assert counted(ledger) == -1


def test_they_are_counted_again_when_three_times_as_many_were_added(ledger, fill):
    statistics = Statistics(ledger)
    fill(_ENOUGH)
    statistics.added(_ENOUGH)
    fill(1)
    statistics.added(3 * _ENOUGH - 1)
    assert counted(ledger) == _ENOUGH
    statistics.added(1)
    assert counted(ledger) == _ENOUGH + 1


def test_what_was_added_last_is_counted_at_the_end_when_it_is_as_much_as_there_was(ledger, fill):
    first, second = Statistics(ledger), Statistics(ledger)
    fill(_ENOUGH)
    first.added(_ENOUGH)
    fill(1)
    second.added(_ENOUGH - 1)
    second.close()
    assert counted(ledger) == _ENOUGH
    second.added(1)
    assert counted(ledger) == _ENOUGH
    second.close()
    assert counted(ledger) == _ENOUGH + 1


def test_a_count_by_someone_else_is_not_waited_for(ledger, fill):
    statistics = Statistics(ledger)
    fill(_ENOUGH)
    with ledger.write() as other:
        other.execute(text("LOCK TABLE jobs, lines IN SHARE UPDATE EXCLUSIVE MODE"))
        statistics.added(_ENOUGH)
    assert counted(ledger) == -1
