"""The benchmarks' large ledger, copied by the database itself, works like any other."""

import pytest

from benchmarks.costs import CHUNK_JOBS, Stopwatch, run_steps
from benchmarks.results import Results
from benchmarks.scale.population import LETTER_OF, fill
from benchmarks.scale.table import demand_section, section
from issuance.states import State
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.browse import (
    DeadLetterFilter,
    count_dead_letters,
    list_dead_letters,
    show_dead_letter,
)
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from tests.contract.ledger.build import Desk, make_job
from tests.postgres import postgres_database, postgres_server

_JOBS = 10_000


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request, tmp_path):
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            yield _fill(ledger)
        return
    with postgres_server() as server, postgres_database(server) as url, Ledger(url) as ledger:
        yield _fill(ledger)


def _fill(ledger):
    ledger.migrate()
    Desk(ledger, ensure_campaign(ledger, "diwali")).accept(make_job())
    fill(ledger, _JOBS)
    return ledger


def test_a_filled_ledger_balances_and_its_jobs_pass_every_step(filled):
    before = balance(filled, "diwali")
    run_steps(filled, Stopwatch())
    after = balance(filled, "diwali")
    assert before.balanced
    assert after.balanced
    assert after.counts[State.ISSUED] - before.counts[State.ISSUED] == CHUNK_JOBS
    letters = list(list_dead_letters(filled, DeadLetterFilter(campaign="diwali")))
    assert (
        len(letters) == count_dead_letters(filled, DeadLetterFilter()) == before.open_dead_letters
    )
    assert before.open_dead_letters == before.counts[State.FAILED] == int(_JOBS * 0.9) // LETTER_OF
    assert show_dead_letter(filled, letters[0].id).attempts[0].kind == "failed"
    assert Desk(filled, ensure_campaign(filled, "diwali")).accept(make_job(2)).accepted != []


def test_the_page_marks_costs_as_flat_counting_or_not_flat(tmp_path):
    results = Results(tmp_path / "results.jsonl", "a plan")
    for jobs, slower in ((1_000, 1.0), (9_000, 3.0)):
        results.add(f"scale/SQLite/{jobs}", **_measured(jobs, slower))
    page = section(results)
    assert "| release, µs a job | 5 | 5 | 1.00 | flat |" in page
    assert "| claim, µs a job | 6 | 18 | 3.00 | **not flat** |" in page
    assert "| status of the campaign, ms | 20.00 | 60.00 | 3.00 | **not flat** |" in page
    assert "| dead letters: count, ms | 2.00 | 6.00 | 3.00 | counts |" in page
    assert "| 20,000 | 6,667 | 0.33 | **not met** |" in page


def test_the_page_shows_what_a_job_needs_of_every_component(tmp_path):
    results = Results(tmp_path / "results.jsonl", "a plan")
    accepted = {"cpu_us": {"database": 18.4}, "counts": {"transactions": 0.0021}}
    issued = {"cpu_us": {"worker": 384.2, "database": 99.0}, "counts": {"transactions": 0.061}}
    results.add("demand/PostgreSQL", jobs=10, accepted=accepted, issued=issued)
    page = demand_section(results)
    assert "| worker, CPU µs |  | 384 |" in page
    assert "| database, CPU µs | 18 | 99 |" in page
    assert "| transactions | 0.002 | 0.061 |" in page


def _measured(jobs, slower):
    return {
        "jobs": jobs,
        "steps": {"release": 5, "claim": 6 * slower, "record": 7},
        "queries": {"status of the campaign": 20 * slower, "dead letters: count": 2 * slower},
        "released_per_second": 20_000 / slower,
        "accept_us": 20,
        "bytes_a_job": 600,
        "wal_bytes": 0,
        "fill_seconds": 1,
    }
