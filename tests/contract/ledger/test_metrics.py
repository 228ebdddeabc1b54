"""The metrics that come from the ledger equal it, at each scrape."""

import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.campaigns import ensure_campaign, finish_campaigns, pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.attempt_counts import Span
from ledger.queries.balance import balances
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.retention.pruning import prune
from ledger.stop_loss.stopping import add_stop
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, dead_letters, jobs, restores
from operations.metrics.attempts import read_page
from operations.metrics.attempts_source import AttemptsSource
from operations.metrics.campaigns import NAMED
from operations.metrics.dead_letters import DeadLettersSource
from operations.metrics.labels import CLOSED, OTHER
from operations.metrics.ledger_source import LedgerSource
from operations.metrics.open_ledger import OpenLedger
from operations.metrics.timer import Timer
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)
from tests.e2e.processes import await_that

COUNTERS = ("_total", "_bucket", "_count", "_sum")


class Scrapes:
    """Scrapes the ledger again and again, as one process does."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.attempts = AttemptsSource(_opened(ledger))
        self.attempts.start()
        assert self.attempts.await_complete(30)
        self.letters = DeadLettersSource(_opened(ledger), many=3)
        self.source = LedgerSource(self.attempts, self.letters)

    def read(self, suspended=(), along=None):
        """Return the value of each sample; `along` is called in the same transaction."""
        with self.ledger.read() as connection:
            found = list(self.source.metrics(connection, dict(suspended), Timer()))
            more = along(connection) if along else None
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in found
            for sample in family.samples
        }
        assert len(samples) == sum(len(family.samples) for family in found)
        return (samples, more) if along else samples


@pytest.fixture
def scrapes(ledger):
    made = Scrapes(ledger)
    yield made
    made.attempts.close()
    made.letters.close()


def _opened(ledger):
    return OpenLedger(ledger.engine.url, lambda: Ledger(ledger.engine.url))


def value(samples, name, **labels):
    return samples[name, tuple(sorted(labels.items()))]


def of(samples, name):
    """Return the values of one metric by its only label, or by all of them."""
    found = {labels: each for (found, labels), each in samples.items() if found == name}
    return {
        labels[0][1] if len(labels) == 1 else tuple(text for _, text in labels): each
        for labels, each in found.items()
    }


def lines(samples, campaign):
    return {
        state: count
        for (name, state), count in of(samples, "issuance_lines").items()
        if name == campaign and count
    }


def settle_one_of_each(desk, first=1):
    held, job = desk.take_one(make_job(first, quantity=3))
    desk.record(held, judge(job, issue(job)))
    desk.settle(make_job(first + 1), refuse())
    desk.settle(make_job(first + 2), TIMEOUT)


def test_lines_units_and_totals_are_those_of_the_balance(desk, scrapes):
    settle_one_of_each(desk)
    desk.accept(*make_jobs(4, first=10))
    chunk, *_ = desk.release(window=2, chunk_size=1)
    desk.claim(chunk)
    (found,) = balances(desk.ledger)
    samples = scrapes.read()
    assert lines(samples, "diwali") == {
        state.value: count for state, count in found.counts.items() if count
    }
    assert {"waiting": 2, "queued": 1, "running": 1}.items() <= lines(samples, "diwali").items()
    assert value(samples, "issuance_units", campaign="diwali") == 3
    assert value(samples, "issuance_units_issued_total") == 3
    assert value(samples, "issuance_lines_accepted_total") == 7
    assert value(samples, "issuance_attempts_total", kind="issued", code="200") == 1
    assert value(samples, "issuance_attempts_total", kind="in_doubt", code="none") == 1


def test_pruned_lines_stay_in_all_metrics(desk, scrapes):
    settle_one_of_each(desk)
    desk.discard()
    before = scrapes.read()
    assert sum(page.jobs for page in prune(desk.ledger, older_than_seconds=-10)) > 0
    after = scrapes.read()
    assert lines(after, "diwali") == lines(before, "diwali")
    for key, count in before.items():
        if key[0].endswith(COUNTERS):
            assert after[key] >= count


def test_a_campaign_that_ends_moves_into_the_common_label_and_no_sum_changes(desk, scrapes):
    settle_one_of_each(desk)
    before = scrapes.read()
    with desk.ledger.write() as connection:
        finish_campaigns(connection)
    after = scrapes.read()
    assert lines(before, "diwali") == lines(after, CLOSED)
    assert lines(after, "diwali") == {}
    for name in ("issuance_lines", "issuance_units", "issuance_points"):
        assert sum(of(before, name).values()) == sum(of(after, name).values())
    totals = [key for key in before if key[0].endswith("_total")]
    assert {key: after[key] for key in totals} == {key: before[key] for key in totals}
    assert of(after, "issuance_campaigns") == dict.fromkeys(CampaignState, 0) | {"finished": 1}


def test_a_cancelled_campaign_is_closed_once_its_lines_are_settled(desk, scrapes):
    desk.accept(*make_jobs(2))
    chunk, *_ = desk.release(window=1)
    held = desk.claim(chunk)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert lines(scrapes.read(), "diwali") == {"running": 1, "cancelled": 1}
    desk.record(held, judge(held.jobs[0], issue(held.jobs[0])))
    assert lines(scrapes.read(), CLOSED) == {"issued": 1, "cancelled": 1}


def test_the_series_are_bounded_and_the_others_are_added_up(desk, scrapes):
    for number in range(100):
        desk.another(f"campaign {number:03}").accept(
            make_job(number, campaign=f"campaign {number:03}")
        )
    samples = scrapes.read()
    named = set(of(samples, "issuance_units")) - {CLOSED, OTHER}
    assert named == {f"campaign {number:03}" for number in range(100 - NAMED, 100)}
    assert lines(samples, OTHER) == {"waiting": 100 - NAMED}
    assert sum(of(samples, "issuance_lines").values()) == 100


def test_work_outside_its_window_is_in_the_backlog_but_not_due(desk, scrapes):
    desk.accept(*make_jobs(3))
    now = datetime.now(UTC)
    closed = f"{now + timedelta(hours=3):%H:%M}-{now + timedelta(hours=5):%H:%M}"
    opened = f"{now - timedelta(minutes=5):%H:%M}-{now + timedelta(hours=5):%H:%M}"
    due = []
    for window in (closed, opened, None):
        with desk.ledger.write() as connection:
            connection.execute(update(jobs).values(due_at=now_ms() - 90_000_000))
            connection.execute(update(campaigns).values(window=window, timezone="UTC"))
        samples = scrapes.read()
        assert of(samples, "issuance_backlog_lines")["blast"] == 3
        due.append(of(samples, "issuance_oldest_due_seconds")["blast"])
    assert due == [0, pytest.approx(330, abs=60), pytest.approx(90_000, abs=60)]


@pytest.mark.parametrize(("opened", "seconds"), [(3, 0), (-1, 90), (-300, 9_000)])
def test_a_suspension_counts_only_while_the_window_is_open(desk, scrapes, opened, seconds):
    desk.accept(make_job())
    now = datetime.now(UTC)
    opens, closes = now + timedelta(minutes=opened), now + timedelta(hours=6)
    with desk.ledger.write() as connection:
        window = f"{opens:%H:%M}-{closes:%H:%M}"
        connection.execute(update(campaigns).values(window=window, timezone="UTC"))
    samples = scrapes.read(suspended={desk.campaign.id: 9_000.0})
    (found,) = of(samples, "issuance_campaign_stopped_seconds").values()
    assert found == pytest.approx(seconds, abs=40)


def test_the_backlog_is_counted_by_lane_without_paused_campaigns(desk, scrapes):
    desk.accept(*make_jobs(3), *make_jobs(2, first=20, lane=Lane.BACKGROUND))
    paused = desk.another("paused")
    paused.accept(*make_jobs(5, first=40, campaign="paused"))
    pause_campaign(desk.ledger, "paused", OPERATOR)
    with desk.ledger.write() as connection:
        connection.execute(
            update(jobs).where(jobs.c.lane == Lane.BLAST).values(due_at=now_ms() - 90_000)
        )
        connection.execute(
            update(jobs).where(jobs.c.lane == Lane.BACKGROUND).values(due_at=now_ms() + 90_000)
        )
    samples = scrapes.read()
    assert of(samples, "issuance_backlog_lines") == {"blast": 3, "background": 2}
    oldest = of(samples, "issuance_oldest_due_seconds")
    assert oldest["background"] == 0
    assert 90 <= oldest["blast"] < 120
    desk.release(window=3)
    samples = scrapes.read()
    assert of(samples, "issuance_backlog_lines")["blast"] == 0
    assert of(samples, "issuance_oldest_due_seconds")["blast"] >= 90, "queued jobs are due too"


def test_a_stopped_campaign_says_for_how_long_and_why(desk, scrapes):
    desk.accept(make_job(1))
    assert of(scrapes.read(), "issuance_campaign_stopped_seconds") == {}
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    found = of(scrapes.read({desk.campaign.id: 77.0}), "issuance_campaign_stopped_seconds")
    assert found["diwali", "suspended"] == 77
    assert 0 <= found["diwali", "paused"] < 60


def test_a_campaign_that_the_stop_loss_stopped_says_so_until_it_is_cancelled(desk, scrapes):
    desk.accept(make_job(1))
    with desk.ledger.write() as connection:
        add_stop(connection, desk.campaign.id, "stop_loss", "1001", {"why": "it is dead"})
    found = of(scrapes.read(), "issuance_campaign_stopped_seconds")
    assert 0 <= found["diwali", "stopped"] < 60
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert of(scrapes.read(), "issuance_campaign_stopped_seconds") == {}


def test_dead_letters_are_counted_by_reason_and_age(desk, scrapes):
    settle_one_of_each(desk)
    settle_one_of_each(desk, first=10)
    with desk.ledger.write() as connection:
        connection.execute(
            update(dead_letters)
            .where(dead_letters.c.id == 1)
            .values(opened_at=now_ms() - 7_200_000)
        )
    samples = scrapes.read()
    filled = {key: count for key, count in of(samples, "issuance_dead_letters").items() if count}
    assert filled == {
        ("0-1h", "failed"): 1, ("1h-1d", "failed"): 1, ("0-1h", "in_doubt"): 2,
    }  # fmt: skip
    oldest = of(samples, "issuance_dead_letter_oldest_seconds")
    assert set(oldest) == {"failed", "in_doubt"}
    assert 7_200 <= oldest["failed"] < 7_300


def test_many_dead_letters_are_counted_exactly_and_aged_in_the_background(
    desk, scrapes, monkeypatch
):
    desk.settle(make_job(1), refuse())
    for number in range(2, 6):
        desk.settle(make_job(number), refuse())
    assert value(scrapes.read(), "issuance_dead_letters", reason="failed", age="0-1h") == 5
    with desk.ledger.write() as connection:
        connection.execute(
            update(dead_letters)
            .where(dead_letters.c.id == 1)
            .values(opened_at=now_ms() - 7_200_000)
        )
    desk.settle(make_job(9), refuse())
    samples = scrapes.read()
    assert value(samples, "issuance_dead_letters", reason="failed", age="0-1h") == 6
    monkeypatch.setattr("operations.metrics.dead_letters._AGAIN_SECONDS", 0.0)

    def aged():
        found = of(scrapes.read(), "issuance_dead_letters")
        assert sum(found.values()) == 6
        return found["1h-1d", "failed"] == 1

    await_that("the ages were read again", aged, 30)
    desk.discard()
    assert set(of(scrapes.read(), "issuance_dead_letters").values()) == {0}
    assert of(scrapes.read(), "issuance_dead_letter_oldest_seconds") == {}


def test_heartbeats_that_never_came_are_absent(desk, scrapes):
    touch(desk.ledger, Heartbeat.RELEASE)
    found = of(scrapes.read(), "issuance_heartbeat_age_seconds")
    assert set(found) == {"release"}
    assert 0 <= found["release"] < 60


def test_a_restored_ledger_is_counted_again(desk, scrapes):
    settle_one_of_each(desk)
    assert value(scrapes.read(), "issuance_attempts_complete") == 1
    with desk.ledger.write() as connection:
        connection.execute(restores.insert().values(at=now_ms(), backup_at=1))
    assert value(scrapes.read(), "issuance_attempts_complete") == 0
    assert scrapes.attempts.await_complete(30)
    found = of(scrapes.read(), "issuance_attempts_total")
    assert sum(found.values()) == 3


def test_every_scrape_of_a_running_blast_equals_the_ledger_and_no_counter_falls(desk, scrapes):
    """Accept, release, claim and record in one thread, and scrape in another."""
    over = threading.Event()
    failures = []

    def blast():
        try:
            for first in range(1, 400, 20):
                desk.accept(*make_jobs(20, first=first))
                for chunk in desk.release(window=20, chunk_size=10):
                    held = desk.claim(chunk)
                    replies = [issue(job) for job in held.jobs]
                    replies[0] = refuse()
                    replies[1] = TIMEOUT
                    desk.record(held, *map(judge, held.jobs, replies))
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            over.set()

    def recount(connection):
        return read_page(connection, Span(0, None))

    before = defaultdict(float)
    thread = threading.Thread(target=blast)
    thread.start()
    taken = 0
    try:
        while not over.is_set() or taken < 3:
            samples, counted = scrapes.read(along=recount)
            taken += 1
            accepted = value(samples, "issuance_lines_accepted_total")
            assert sum(of(samples, "issuance_lines").values()) == accepted
            made = sum(count for key, count in counted.items() if key[0] == "attempts")
            assert sum(of(samples, "issuance_attempts_total").values()) == made
            assert value(samples, "issuance_call_duration_seconds_count") == made
            issued = lines(samples, "diwali").get(State.ISSUED.value, 0)
            assert value(samples, "issuance_units_issued_total") == issued
            for key, count in samples.items():
                if key[0].endswith(COUNTERS):
                    assert count >= before[key], key
                    before[key] = count
    finally:
        thread.join()
    assert not failures
    assert made > 0, "no scrape fell into the blast"
    samples = scrapes.read()
    (found,) = balances(desk.ledger)
    assert lines(samples, "diwali") == {
        state.value: count for state, count in found.counts.items() if count
    }


def test_a_new_campaign_without_lines_has_zeros(ledger, scrapes):
    ensure_campaign(ledger, "empty")
    samples = scrapes.read()
    assert value(samples, "issuance_lines", campaign="empty", state="issued") == 0
    assert value(samples, "issuance_units_issued_total") == 0
