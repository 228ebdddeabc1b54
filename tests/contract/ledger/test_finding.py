"""Finding lines and reading their stories: on both databases, by indexes only."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, event, func, select, update

from issuance.redrive.rules import Verb
from ledger.intake.acceptance import open_intake
from ledger.migrations.search_fill import fill_search_keys
from ledger.retention.erasure import erase
from ledger.retention.pruning import prune
from ledger.search.finding import find_lines
from ledger.search.stories import read_story
from ledger.store.schema import jobs, search_keys
from tests.contract.ledger.build import (
    OPERATOR,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)


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
        assert find_lines(stocked.ledger, "GOLD-1234-5678") == []
        assert read_story(stocked.ledger, refused).letter is not None
        assert read_story(stocked.ledger, make_job(500).id).letter is None
    plans = list(_plans(stocked.ledger, seen))
    assert len(plans) > 15
    for statement, plan in plans:
        assert not _scans(plan), f"{statement}\n{plan}"


def _issue(desk, number, *vouchers, transaction=None, **options):
    """Settle a job by an answer with these vouchers."""
    held, claimed = desk.take_one(make_job(number, **options))
    more = {} if transaction is None else {"transactionId": transaction}
    reply = answer(*(say(line, vouchers=vouchers, **more) for line in claimed.lines))
    desk.record(held, judge(claimed, reply))
    return claimed.id


def _keys(ledger):
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(search_keys))


@pytest.mark.parametrize("text", ["GOLD-1234", "gold-1234", "300101", "TXN-7"])
def test_a_voucher_or_transaction_finds_its_line_in_any_campaign(desk, text):
    _issue(desk, 1, "GOLD-12345", transaction=300102)
    other = desk.another("holi")
    wanted = _issue(other, 2, "GOLD-1234", "X", transaction=300101, campaign="holi")
    numbered = _issue(other, 3, "GOLD-5", transaction="TXN-7", campaign="holi")
    assert find_lines(desk.ledger, text) == [numbered if text == "TXN-7" else wanted]
    assert find_lines(desk.ledger, "GOLD-123") == []


def test_all_lines_that_show_a_voucher_are_found(desk):
    found = [_issue(desk, number, "SHARED-CODE") for number in (1, 2, 3)]
    assert find_lines(desk.ledger, "SHARED-CODE") == found


def test_a_voucher_of_a_later_call_is_found_and_a_repeated_one_is_no_error(desk):
    held, job = desk.take_one(make_job(1, quantity=2))
    desk.record(held, judge(job, answer(say(job.lines[0], 8010, units=1, vouchers=["A-1"]))))
    desk.redrive(Verb.RESEND)
    held = desk.take()
    reply = answer(say(job.lines[0], 8010, units=1, vouchers=["A-1", "A-2"]))
    desk.record(held, judge(held.jobs[0], reply))
    assert find_lines(desk.ledger, "A-1") == find_lines(desk.ledger, "A-2") == [job.id]


def test_a_search_reaches_every_block(desk, monkeypatch):
    monkeypatch.setattr("ledger.search_keys._BLOCKS_AT_ONCE", 2)
    monkeypatch.setattr("issuance.search_key._BLOCK_BITS", 0)
    found = [_issue(desk, number, f"V-{number}") for number in range(1, 6)]
    assert [find_lines(desk.ledger, f"V-{number}")[0] for number in range(1, 6)] == found


def test_erasing_and_pruning_remove_what_finds_a_voucher(desk):
    _issue(desk, 1, "GOLD-1")
    kept = _issue(desk, 2, "GOLD-2")
    list(erase(desk.ledger, make_job(1).customer, OPERATOR))
    assert find_lines(desk.ledger, "GOLD-1") == []
    assert find_lines(desk.ledger, "GOLD-2") == [kept]
    desk.accept(make_job(3))  # the newest job is never pruned
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(settled_at=1, accepted_at=1))
    assert sum(page.jobs for page in prune(desk.ledger, older_than_seconds=1)) == 2
    assert _keys(desk.ledger) == 0


def test_the_migration_writes_the_keys_of_earlier_lines(desk, monkeypatch):
    monkeypatch.setattr("ledger.migrations.search_fill._JOBS_AT_ONCE", 2)
    found = [_issue(desk, number, f"V-{number}") for number in range(1, 6)]
    before = _keys(desk.ledger)
    with desk.ledger.write() as connection:
        connection.execute(delete(search_keys))
        fill_search_keys(connection)
    assert _keys(desk.ledger) == before == 10
    assert find_lines(desk.ledger, "v-4") == [found[3]]


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
