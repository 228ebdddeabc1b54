"""The counts of attempts follow the ledger exactly, whatever is recorded, and when."""

from collections import Counter
from random import Random

import pytest

from ledger.queries.attempt_counts import Span, end_of_page
from ledger.retention.pruning import prune
from operations.metrics.attempt_history import AttemptHistory, Sizes
from operations.metrics.attempts import read_page
from tests.contract.ledger.build import (
    REFUSED_CODE,
    TIMEOUT,
    TOO_MANY,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)

SMALL = Sizes(page=3, old_page=8, recent=12, older=10, most_new=50)


@pytest.fixture
def add(desk):
    """Record attempts of accepted jobs that started at these times, in ms."""
    desk.accept(*make_jobs(40))
    counts = Counter()

    def record_at(*times, kind="issued", code=200, decision="settle issued", took=40):
        rows = []
        for at in times:
            number = 1 + counts.total() % 40
            counts[number] += 1
            rows.append((number, counts[number], at, took, kind, decision, 200, code, "w"))
        columns = ("job_number", "number", "started_at", "took_ms", "kind", "decision")
        columns += ("http_status", "code", "worker")
        with desk.ledger.write() as connection:
            desk.ledger.dialect.insert_rows(connection, "attempts", columns, rows)

    return record_at


def counted(ledger):
    """Count all attempts at once, without pages."""
    with ledger.read() as connection:
        return read_page(connection, Span(0, None))


def follow(history, ledger):
    with ledger.read() as connection:
        while not history.read_next(connection):
            pass
        assert history.refresh(connection)
    return history.total


def test_each_result_is_counted_by_kind_code_and_duration(desk):
    for number, reply in enumerate((refuse(), TIMEOUT), 1):
        desk.settle(make_job(number), reply)
    held, job = desk.take_one(make_job(3))
    desk.record(held, judge(job, TOO_MANY))
    desk.make_due()
    chunk = desk.release()[0]
    held = desk.claim(chunk)
    desk.record(held, judge(held.jobs[0], issue(held.jobs[0])))
    found = counted(desk.ledger)
    assert found["attempts", "failed", REFUSED_CODE, 200] == 1
    assert found["attempts", "in_doubt", None, None] == 1
    assert [key[1] for key in found if key[0] == "attempts" and key[3] == 429] == ["deferred"]
    assert found["attempts", "issued", 200, 200] == 1
    assert found["retries",] == 1
    calls = {key: count for key, count in found.items() if key[0] == "calls"}
    assert sum(calls.values()) == 4
    settled = sum(count for key, count in found.items() if key[0] == "settlements")
    assert settled == 3, "the 429 settled nothing"


def test_a_history_of_many_pages_is_the_sum_of_its_attempts(desk, add):
    add(*range(100, 160))
    add(*[200] * 20)
    history = AttemptHistory(read_page, SMALL)
    assert follow(history, desk.ledger) == counted(desk.ledger)


def test_an_attempt_that_is_recorded_late_is_in_the_next_scrape(desk, add):
    add(*range(1_000, 1_010))
    history = AttemptHistory(read_page, SMALL)
    follow(history, desk.ledger)
    add(1_004, 1_011, kind="failed", code=1014)
    assert follow(history, desk.ledger) == counted(desk.ledger)


def test_an_attempt_that_is_recorded_much_later_is_found_within_one_round(desk, add):
    add(*range(1_000, 1_100))
    history = AttemptHistory(read_page, SMALL)
    follow(history, desk.ledger)
    add(1_002, kind="failed", code=1014)
    scrapes = 0
    while follow(history, desk.ledger) != counted(desk.ledger):
        scrapes += 1
        assert scrapes <= 100 // SMALL.older + 1


def test_an_attempt_of_a_worker_whose_clock_is_ahead_is_counted_once(desk, add):
    history = AttemptHistory(read_page, SMALL)
    add(10, 11, 9_000)
    for first in range(20, 80, 4):
        add(*range(first, first + 4))
        assert follow(history, desk.ledger) == counted(desk.ledger)
    add(9_001)
    assert follow(history, desk.ledger) == counted(desk.ledger)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_recording_is_counted_exactly(desk, add, seed):
    rng = Random(seed)
    history = AttemptHistory(read_page, SMALL)
    now = 1_000
    for _ in range(25):
        now += rng.randrange(40)
        add(
            *(now - rng.randrange(10) for _ in range(rng.randrange(9))),
            kind=rng.choice(["issued", "failed"]),
            took=rng.choice([10, 700]),
            decision=rng.choice(["settle issued", "try again in 1.0 s (transient)"]),
        )
        assert follow(history, desk.ledger) == counted(desk.ledger)


def test_pruned_attempts_stay_counted_and_later_ones_are_added(desk):
    for number in range(1, 6):
        desk.settle(make_job(number), refuse())
    desk.discard()
    history = AttemptHistory(read_page, SMALL)
    before = Counter(follow(history, desk.ledger))
    assert sum(page.jobs for page in prune(desk.ledger, older_than_seconds=-10)) > 0
    assert follow(history, desk.ledger) == before
    held, job = desk.take_one(make_job(9))
    desk.record(held, judge(job, issue(job)))
    after = follow(history, desk.ledger)
    assert after["attempts", "issued", 200, 200] == 1
    assert after["attempts", "failed", REFUSED_CODE, 200] == 5
    assert not before - after, "no count has decreased"


def test_more_new_attempts_than_one_scrape_may_read_are_said_to_be_missing(desk, add):
    history = AttemptHistory(read_page, SMALL)
    add(*range(10))
    follow(history, desk.ledger)
    add(*range(100, 160))
    with desk.ledger.read() as connection:
        assert not history.refresh(connection)
    assert not history.is_complete
    assert follow(history, desk.ledger) == counted(desk.ledger)


def test_a_restart_counts_the_same(desk, add):
    add(*range(1, 31), took=300)
    first, second = AttemptHistory(read_page, SMALL), AttemptHistory(read_page)
    assert follow(first, desk.ledger) == follow(second, desk.ledger)


def test_a_page_ends_where_the_next_attempt_begins(desk, add):
    add(1, 2, 2, 2, 5)
    with desk.ledger.read() as connection:
        assert end_of_page(connection, 0, 1) == 2
        assert end_of_page(connection, 2, 2) == 5, "one millisecond is never cut"
        assert end_of_page(connection, 5, 1) is None
