"""Query plans: what runs every second, or for every chunk, never reads all jobs."""

import re
import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import event, text

from issuance.job import Lane
from issuance.outcome import Reason
from issuance.redrive.rules import Verb
from issuance.replies.reply import Answer
from issuance.states import State
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.browse import DeadLetterFilter, count_dead_letters, list_dead_letters
from ledger.dead_letters.outbox import LetterRange, return_ranges, summarise, unpublished
from ledger.dead_letters.trend import opened_by_hour
from ledger.dispatch.cancellation import settle_cancelled
from ledger.dispatch.lost_claims import end_leases
from ledger.dispatch.reaper import reap
from ledger.intake.acceptance import accept
from ledger.queries.attempt_counts import Span, count_span, newest_attempt
from ledger.queries.balance import attempts_per_second, balance, open_lines, recount
from ledger.queries.call_spans import read_call_span
from ledger.queries.claimed_before import claimed_before
from ledger.queries.newest_answers import newest_answers
from ledger.queries.outcomes import settled_page
from ledger.queries.overview import leased_due, read_overview
from ledger.queries.stalls import leased, recent_call_seconds, stalls
from ledger.store.database import Ledger
from operations.metrics.attempt_history import AttemptHistory, Sizes
from operations.metrics.attempts import read_page
from tests.contract.ledger.build import TIMEOUT, Desk, issue, judge, make_jobs
from tests.postgres import postgres_database

_JOBS = 50_000


@pytest.fixture(scope="module", params=["sqlite", "sqlite-analyzed", "postgresql"])
def busy_desk(request, tmp_path_factory):
    """Make a ledger in mid-campaign: most jobs are settled, the others in every other state."""
    if request.param == "postgresql":
        with (
            postgres_database(request.getfixturevalue("postgres_url")) as url,
            Ledger(url) as ledger,
        ):
            desk = _fill(ledger)
            _analyze(ledger)
            yield desk
        return
    path = shutil.copy(
        request.getfixturevalue("filled_sqlite"), tmp_path_factory.mktemp("plans") / "ledger.db"
    )
    with Ledger(f"sqlite:///{path}", durable=False) as ledger:
        # SQLite never analyzes by itself, so it must choose well without and with statistics.
        if request.param == "sqlite-analyzed":
            _analyze(ledger)
        yield Desk(ledger, ensure_campaign(ledger, "diwali"))


@pytest.fixture(scope="module")
def filled_sqlite(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    with Ledger(f"sqlite:///{path}", durable=False) as ledger:
        _fill(ledger)
    return path


def _analyze(ledger):
    with ledger.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def _fill(ledger):
    ledger.migrate()
    desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
    for first in range(1, _JOBS + 1, 5_000):
        accept(ledger, desk.campaign, make_jobs(5_000, first=first))
    desk.another("holi").accept(*make_jobs(1_000, campaign="holi"))
    with ledger.write() as connection:
        for statement in _MIDDLE_OF_A_CAMPAIGN:
            connection.execute(text(statement))
    return desk


_MIDDLE_OF_A_CAMPAIGN = (
    "UPDATE jobs SET state = 'issued', open_lines = 0 WHERE number <= 44000",
    "UPDATE lines SET state = 'issued' WHERE job_number <= 44000",
    "UPDATE jobs SET due_at = due_at + 10000000 WHERE number BETWEEN 47001 AND 50000",
    """INSERT INTO attempts (job_number, number, started_at, took_ms, kind, decision, worker)
       SELECT number, 1, number, 40, 'issued', 'settle issued', 'w-1'
       FROM jobs WHERE number <= 44000""",
    """INSERT INTO dead_letters
       (job_number, campaign_id, state, reason, message, openings, opened_at, changed_at,
       published_at)
       SELECT number, campaign_id, CASE WHEN number % 50 = 0 THEN 'open' ELSE 'closed' END,
       'failed', '', 1, 1, 1,
       CASE WHEN number % 100 = 0 THEN NULL ELSE 1 END FROM jobs WHERE number <= 5000""",
)


def release(desk):
    desk.release(window=300, chunk_size=100)
    desk.release(window=300, lane=Lane.BACKGROUND)


def claim_and_record(desk):
    for chunk in desk.release(window=600, chunk_size=100):
        held = desk.claim(chunk)
        first, second, *rest = held.jobs
        desk.record(
            held,
            judge(first, TIMEOUT),
            judge(second, Answer(403, b"")),
            *(judge(job, issue(job)) for job in rest),
        )
        desk.claim(chunk, orphaned=True)


def read_metrics(desk):
    with desk.ledger.read() as connection:
        overview = read_overview(connection)
        leased_due(connection, [each.id for each in overview.campaigns])
        newest_attempt(connection)


def follow_attempts(desk):
    history = AttemptHistory(read_page, Sizes(page=500, old_page=1_000))
    with desk.ledger.read() as connection:
        history.read_next(connection)
        count_span(connection, Span(43_000, None))


def _some_letters(desk):
    return LetterRange(desk.campaign.id, "failed", first_id=10, last_id=500, since=1)


def read_chart_span(desk):
    with desk.ledger.read() as connection:
        # Not by the newest attempt: another test may have recorded one much later.
        assert read_call_span(connection, 20_000, 20_500).is_sampled


def read_page_of_lines(desk):
    with desk.ledger.read() as connection:
        after = (20_000, 0)
        found = settled_page(connection, desk.campaign.id, State.ISSUED, after=after, limit=50)
        assert len(found) == 50


READERS_AND_WRITERS = {
    "release": release,
    "claim and record": claim_and_record,
    "reap": lambda desk: reap(desk.ledger),
    "end leases": lambda desk: end_leases(desk.ledger, ["a chunk", "another"]),
    "leased": lambda desk: leased(desk.ledger, Lane.BLAST, lease_seconds=60),
    "settle cancelled": lambda desk: settle_cancelled(desk.ledger),
    "balance": lambda desk: balance(desk.ledger, "diwali"),
    "open lines": lambda desk: open_lines(desk.ledger),
    "rate": lambda desk: attempts_per_second(desk.ledger),
    "open letters": lambda desk: desk.letters(state="open", campaign="diwali"),
    "letters with a reason": lambda desk: desk.letters(
        state="open", campaign="diwali", reason="failed"
    ),
    "letters of all campaigns": lambda desk: desk.letters(state="open"),
    "the first letters of many": lambda desk: list(
        list_dead_letters(desk.ledger, DeadLetterFilter(state=None), limit=50)
    ),
    "count of letters": lambda desk: count_dead_letters(
        desk.ledger, DeadLetterFilter(campaign="diwali", reason=Reason.FAILED)
    ),
    "redrive": lambda desk: desk.redrive(Verb.RESEND, campaign="diwali", reason=Reason.FAILED),
    "discard": lambda desk: desk.discard(campaign="diwali", reason=Reason.FAILED),
    "stalls": lambda desk: stalls(desk.ledger, seconds=0.0),
    "recent calls": lambda desk: recent_call_seconds(desk.ledger),
    "metrics": read_metrics,
    "metrics of attempts": follow_attempts,
    "a span of a chart": read_chart_span,
    "a page of lines": read_page_of_lines,
    "newest answers": lambda desk: newest_answers(desk.ledger, "default"),
    "jobs of a dead worker": lambda desk: claimed_before(
        desk.ledger, Lane.BLAST, time.time(), lease_seconds=60
    ),
    "a group's last day": lambda desk: opened_by_hour(desk.ledger, [1, 2]),
    "unpublished letters": lambda desk: unpublished(desk.ledger),
    "a summary": lambda desk: summarise(desk.ledger, _some_letters(desk)),
    "letters returned to the outbox": lambda desk: return_ranges(
        desk.ledger, [_some_letters(desk)]
    ),
}


@pytest.mark.parametrize("name", READERS_AND_WRITERS)
def test_no_large_table_is_read_whole(busy_desk, name):
    large = _LARGE.get(name, "jobs|lines|attempts")
    steps = _plan(busy_desk.ledger, lambda: READERS_AND_WRITERS[name](busy_desk))
    assert len(steps) > 0
    assert [
        step
        for step in steps
        if re.search(_WHOLE[busy_desk.ledger.dialect.name].format(large), step)
    ] == []


_LARGE = dict.fromkeys(
    ("unpublished letters", "a summary", "letters returned to the outbox", "a group's last day"),
    "jobs|lines|attempts|dead_letters",
)
# Small partial indexes may be read whole.
_WHOLE = {
    "sqlite": r"SCAN ({})\b(?! USING (COVERING )?INDEX ix_(jobs_leased|dead_letters_unpublished))",
    "postgresql": r"Seq Scan on ({})\b",
}


def test_a_balance_reads_no_line(busy_desk):
    steps = _plan(busy_desk.ledger, lambda: balance(busy_desk.ledger, "diwali"))
    assert [step for step in steps if re.search(r"\blines\b", step)] == []


def test_a_balance_reads_only_claimed_jobs_and_the_first_waiting_one(busy_desk):
    assert _effort(busy_desk.ledger, lambda: recount(busy_desk.ledger, "diwali")) > _MUCH
    assert _effort(busy_desk.ledger, lambda: balance(busy_desk.ledger, "diwali")) < _MUCH


_MUCH = 4_000
"""Rows: fewer than the waiting jobs, more than the claimed ones and the open dead letters."""


def _effort(ledger, work):
    """Count the rows that statements read; on SQLite estimated from virtual machine steps."""
    if ledger.dialect.name == "postgresql":
        steps = "\n".join(_plan(ledger, work, explain="EXPLAIN (ANALYZE, TIMING OFF)"))
        read = re.findall(r"Scan.*actual rows=([\d.]+)|Rows Removed by Filter: (\d+)", steps)
        return sum(float(rows or removed) for rows, removed in read)
    taken = []

    def watch(driver, _record, _proxy):
        driver.set_progress_handler(lambda: taken.append(1), _STEPS_A_ROW)

    event.listen(ledger.engine.pool, "checkout", watch)
    work()
    event.remove(ledger.engine.pool, "checkout", watch)
    with ledger.read() as connection:
        connection.connection.driver_connection.set_progress_handler(None, 0)
    return len(taken)


_STEPS_A_ROW = 5


def test_due_times_are_searched_in_the_index_and_not_filtered(busy_desk):
    steps = _plan(busy_desk.ledger, lambda: balance(busy_desk.ledger, "diwali"))
    searched = {"sqlite": r"due_at<\?", "postgresql": r"Index Cond: .*due_at <="}[
        busy_desk.ledger.dialect.name
    ]
    assert any(re.search(searched, step) for step in steps)


@pytest.mark.parametrize("chosen", [{}, {"campaign": "diwali"}])
def test_the_first_page_of_dead_letters_is_read_without_a_sort(busy_desk, chosen):
    ledger = busy_desk.ledger
    steps = _plan(
        ledger, lambda: list(list_dead_letters(ledger, DeadLetterFilter(**chosen), limit=10))
    )
    assert [step for step in steps if re.search(r"\bSort\b|TEMP B-TREE FOR ORDER", step)] == []


def test_only_the_dead_letters_of_a_page_are_read_with_their_jobs(busy_desk):
    """No plan may sort a million dead letters together with their jobs."""
    steps = _plan(
        busy_desk.ledger,
        lambda: list(list_dead_letters(busy_desk.ledger, DeadLetterFilter(state=None), limit=50)),
    )
    of_jobs = {
        "sqlite": r"SEARCH jobs USING INTEGER PRIMARY KEY",
        "postgresql": r"Index Scan using .*pk.* on jobs",
    }
    shown = {
        "sqlite": r"SEARCH dead_letters USING INTEGER PRIMARY KEY",
        "postgresql": r"Index Cond: \(id = ANY",
    }
    for pattern in (of_jobs, shown):
        assert any(re.search(pattern[busy_desk.ledger.dialect.name], step) for step in steps)


def _plan(ledger, work, explain=None):
    """Return the plans' steps of all statements that the work executes."""
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        if re.match("SELECT|UPDATE|INSERT|WITH", statement) and not many:
            seen.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    work()
    event.remove(ledger.engine, "before_cursor_execute", note)
    explain = (
        explain or {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[ledger.dialect.name]
    )
    with ledger.write() as connection:
        return [
            str(row[-1])
            for statement, parameters in seen
            for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
        ]
