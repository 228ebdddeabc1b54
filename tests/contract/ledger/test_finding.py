"""Finding lines and reading their stories: on both databases, by indexes only."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from ledger.intake.acceptance import open_intake
from ledger.search.finding import find_lines
from ledger.search.stories import read_story
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs, refuse


@contextmanager
def _statements(ledger):
    """Collect the statements that are executed, with their values."""
    seen = []

    def note(_connection, _cursor, statement, parameters, *_):
        seen.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    yield seen
    event.remove(ledger.engine, "before_cursor_execute", note)


@pytest.fixture
def stocked(desk):
    """A campaign's file with lines that are issued, refused and waiting."""
    intake = open_intake(desk.ledger, desk.campaign, "diwali.csv", OPERATOR)
    desk.accept(*make_jobs(200), intake_id=intake)
    held = desk.take()
    desk.record(
        held, *(judge(job, refuse() if job.number % 9 == 0 else issue(job)) for job in held.jobs)
    )
    desk.accept(make_job(500))
    return desk


def test_a_number_that_the_caller_gave_finds_all_lines_of_its_job(desk):
    job = make_job(1, rewards=(1001, 1002))
    numbered = type(job)(
        job.customer, job.lines, job.variant, job.body, job.lane, transaction_number="till-17"
    )
    desk.accept(numbered, make_job(2))
    assert find_lines(desk.ledger, "till-17") == [line.request_id for line in job.lines]


@pytest.mark.parametrize("text", ["", "absent", "x" * 300, "a\x00b"])
def test_what_is_not_there_finds_nothing(desk, text):
    assert find_lines(desk.ledger, text) == []


def test_a_story_is_read_by_indexes_only(stocked):
    refused = stocked.letters()[0].job_id
    with _statements(stocked.ledger) as seen:
        assert find_lines(stocked.ledger, refused) == [refused]
        assert find_lines(stocked.ledger, "till-17") == []
        assert read_story(stocked.ledger, refused).letter is not None
        assert read_story(stocked.ledger, make_job(500).id).letter is None
    plans = list(_plans(stocked.ledger, seen))
    assert len(plans) > 15
    for statement, plan in plans:
        assert not _scans(plan), f"{statement}\n{plan}"


def _plans(ledger, seen):
    explain = "EXPLAIN QUERY PLAN" if ledger.dialect.name == "sqlite" else "EXPLAIN"
    with ledger.read() as connection:
        if ledger.dialect.name != "sqlite":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in seen:
            if statement.lstrip().upper().startswith("SELECT"):
                rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
                yield statement, "\n".join(str(row[-1]) for row in rows)


def _scans(plan):
    """Whether a plan reads a table or an index from end to end."""
    return re.search(
        r"^SCAN (?!CONSTANT)|Seq Scan on (lines|jobs|attempts|audit|dead)", plan, re.MULTILINE
    )
