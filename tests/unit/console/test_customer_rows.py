"""What an erasure says that it leaves, on each database."""

import pytest

from console.rendering.customer import erasure_lines, remaining_lines
from ledger.retention.erasure import Erased
from operations.customers import Erasure

_DONE = Erased(2, 3, 0)


def _said(*, empty, overwritten, vacuum=False):
    return " ".join(remaining_lines(Erasure(_DONE, empty, overwritten), vacuum=vacuum))


@pytest.mark.parametrize("vacuum", [False, True])
def test_postgresql_never_claims_that_its_log_and_its_files_are_clean(vacuum):
    said = _said(empty=False, overwritten=False, vacuum=vacuum)
    assert "write-ahead log, standbys and archived logs keep them" in said
    assert ("stay until VACUUM" in said) != vacuum
    assert "-wal" not in said


def test_sqlite_says_so_only_when_its_log_could_not_be_emptied():
    assert "PostgreSQL" not in _said(empty=True, overwritten=True)
    assert "run this again" not in _said(empty=True, overwritten=True)
    assert "run this again" in _said(empty=False, overwritten=True)


@pytest.mark.parametrize("overwritten", [False, True])
def test_what_no_database_reaches_is_always_named(overwritten):
    said = _said(empty=True, overwritten=overwritten)
    for place in ("backups", "archives", "files", "logs", "the API itself"):
        assert place in said


def test_the_plan_counts_jobs_lines_and_open_dead_letters():
    assert list(erasure_lines(Erased(0, 0, 0))) == ["The ledger has no line of this customer."]
    assert list(erasure_lines(_DONE)) == ["To be erased: 2 jobs (3 lines)"]
    assert "1 open dead letter among them" in " ".join(erasure_lines(Erased(2, 3, 1)))
