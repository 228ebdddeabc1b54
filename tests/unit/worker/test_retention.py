"""The release prunes old jobs within a budget, and dispatches first."""

import pytest
from sqlalchemy import event, func, select, text
from structlog.testing import capture_logs

from ledger.audit_log import actions_on
from ledger.queries.balance import balance
from ledger.store.schema import jobs
from tests.contract.ledger.build import issue, judge, make_job, make_jobs, refuse
from tests.unit.worker.process import MEMORY_URL, chunks, end_services, make_services
from tests.unit.worker.test_chunk_handler import UnavailableLedger
from worker import retention
from worker.dispatcher import run_release
from worker.retention import Retention


class Clock:
    """A clock that tests set; each statement on the ledger takes a while."""

    def __init__(self):
        self.now = 1_000.0
        self.statement_seconds = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(ledger):
    made = Clock()

    @event.listens_for(ledger.engine, "before_cursor_execute")
    def _take_time(*_):
        made.now += made.statement_seconds

    yield made
    event.remove(ledger.engine, "before_cursor_execute", _take_time)


@pytest.fixture
def keeping(server, ledger, clock):
    """A process with a retention of 30 days and the test's clock."""
    made = make_services(server, ledger, broker_url=MEMORY_URL, retention_days=30)
    made.retention = Retention(ledger, made.settings.retention_days, clock=clock)
    yield made
    end_services(made)


def _settle_long_ago(book, count=20, first=1):
    """Issue jobs, and make them 31 days old."""
    book.accept(*make_jobs(count, first=first))
    held = book.take()
    book.record(held, *(judge(job, issue(job)) for job in held.jobs))
    _age(book)


def _age(book):
    month = 31 * 86_400_000
    with book.ledger.write() as connection:
        connection.execute(
            text("UPDATE jobs SET accepted_at = accepted_at - :m, settled_at = settled_at - :m"),
            {"m": month},
        )


def _stored(book):
    with book.ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(jobs))


def test_a_round_of_the_release_prunes_what_is_older_than_the_setting(keeping, book):
    _settle_long_ago(book)
    book.accept(make_job(900))
    with capture_logs() as logged:
        assert run_release(keeping) == 1
    assert _stored(book) == 1
    found = balance(book.ledger, "diwali")
    assert (found.balanced, found.pruned) == (True, 20)
    assert [
        (entry["event"], entry["jobs"], entry["older_than_days"])
        for entry in logged
        if entry["event"] == "jobs_pruned"
    ] == [("jobs_pruned", 20, 30)]


def test_without_the_setting_nothing_is_pruned(services, book):
    _settle_long_ago(book)
    book.accept(make_job(900))
    run_release(services)
    assert services.settings.retention_days == 0
    assert _stored(book) == 21


def test_young_jobs_open_dead_letters_and_unsettled_jobs_stay(keeping, book):
    book.settle(make_job(1), refuse())
    _age(book)
    held, young = book.take_one(make_job(2))
    book.record(held, judge(young, issue(young)))
    book.accept(make_job(3))
    with book.ledger.write() as connection:
        connection.execute(text("UPDATE jobs SET accepted_at = 1 WHERE settled_at IS NULL"))
    book.accept(make_job(4))
    run_release(keeping)
    assert _stored(book) == 4


def test_each_round_stops_at_its_budget_and_later_rounds_continue(
    keeping, book, clock, monkeypatch
):
    monkeypatch.setattr(retention, "_PAGE_JOBS", 5)
    _settle_long_ago(book, 42)
    book.accept(make_job(900))
    clock.statement_seconds = retention._BUDGET_SECONDS  # so that a round has time for one page
    left = []
    for _ in range(12):
        keeping.retention.prune_a_little()
        left.append(_stored(book))
        clock.now += 3_600 if len(left) > 9 else 60
    assert left[:9] == [38, 33, 28, 23, 18, 13, 8, 3, 1]
    assert left[9:] == [1, 1, 1]
    assert balance(book.ledger, "diwali").balanced


def test_between_two_rounds_that_prune_the_ledger_rests_for_nine_tenths_of_the_time(
    keeping, book, clock, monkeypatch
):
    monkeypatch.setattr(retention, "_PAGE_JOBS", 5)
    _settle_long_ago(book)
    book.accept(make_job(900))
    clock.statement_seconds = retention._BUDGET_SECONDS
    began = clock.now
    keeping.retention.prune_a_little()
    took = clock.now - began
    clock.now += 8.9 * took
    assert keeping.retention.prune_a_little() == 0
    clock.now += 0.2 * took
    assert keeping.retention.prune_a_little() == 5


def test_jobs_are_dispatched_before_anything_is_pruned(keeping, book, monkeypatch):
    _settle_long_ago(book)
    book.accept(*make_jobs(3, first=900))
    seen = []
    monkeypatch.setattr(
        Retention, "prune_a_little", lambda _: seen.append(chunks(keeping.app)) or 0
    )
    run_release(keeping)
    assert sum(len(numbers) for found in seen for _, numbers in found) == 3


def test_after_a_pass_the_next_one_waits_and_finds_what_has_become_old(keeping, book, clock):
    _settle_long_ago(book, 5)
    book.accept(make_job(900))
    assert keeping.retention.prune_a_little() == 5
    held = book.take()
    book.record(held, *(judge(job, issue(job)) for job in held.jobs))
    _age(book)
    book.accept(make_job(901))
    clock.now += retention._PAUSE_SECONDS - 1
    assert keeping.retention.prune_a_little() == 0
    clock.now += 2
    assert keeping.retention.prune_a_little() == 1


def test_a_pass_is_recorded_once_with_what_it_removed(keeping, book, clock):
    _settle_long_ago(book, 5)
    book.accept(make_job(900))
    keeping.retention.prune_a_little()
    clock.now += 10_000
    keeping.retention.prune_a_little()
    *_, begun, ended = actions_on(book.ledger, "ledger")
    assert (begun.subject, begun.way, begun.verb) == ("release", "system", "prune")
    assert (ended.subject, ended.verb) == ("release", "pruned")
    assert ended.after.startswith("jobs: 5, lines: 5, settled more than 30 days ago")


def test_an_unavailable_ledger_costs_the_round_nothing_and_a_later_one_prunes(book, clock):
    _settle_long_ago(book, 5)
    book.accept(make_job(900))
    with UnavailableLedger(str(book.ledger.engine.url), durable=False) as away:
        away.failures_left = 1
        pruning = Retention(away, 30, clock=clock)
        with capture_logs() as logged:
            assert pruning.prune_a_little() == 0
        assert [entry["event"] for entry in logged] == ["ledger_unavailable"]
        clock.now += retention._PAUSE_SECONDS + 1
        assert pruning.prune_a_little() == 5
