"""A chunk's result in Flower: its jobs, counted by what their calls led to."""

import pytest
from celery.utils.saferepr import saferepr
from sqlalchemy import text
from structlog.testing import capture_logs

from issuance.states import State
from tests.contract.ledger.build import TIMEOUT, make_job, make_jobs, refuse
from worker.chunk.chunk_result import ChunkResult
from worker.chunk_handler import handle_chunk


def _handle(services, chunk):
    return handle_chunk(services, chunk.message, redelivered=False)


def _text(services, chunk):
    return saferepr(_handle(services, chunk), 1024)


def test_celery_shows_the_counts_in_a_fixed_order_without_quotes():
    result = ChunkResult(29, {"retried": 2, "failed": 1, "issued": 23, "in doubt": 2, "partial": 1})
    assert saferepr(result, 1024) == "issued 23 · partial 1 · failed 1 · in doubt 2 · retried 2"


def test_jobs_are_counted_by_outcome(services, book):
    book.accept(*make_jobs(5))
    (chunk,) = book.release()
    services.client.replies = {1: refuse(), 2: TIMEOUT}
    assert _text(services, chunk) == "issued 3 · failed 1 · retried 1"


def test_jobs_of_a_paused_campaign_are_given_back(services, book):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    services.limiter.pause(book.campaign.id)
    assert _text(services, chunk) == "given back 2"


def test_a_duplicate_message_has_nothing_to_do(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    _handle(services, chunk)
    assert _text(services, chunk) == "nothing to do"


def test_a_result_that_the_ledger_refuses_counts_as_open(services, book):
    book.accept(*make_jobs(3))
    (chunk,) = book.release()
    with book.ledger.write() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN NEW.job_number = "
                f"{chunk.job_numbers[1]} BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
            )
        )
    with capture_logs():
        assert _text(services, chunk) == "issued 2 · open 1"
    assert book.counts() == {State.ISSUED: 2, State.RUNNING: 1}


@pytest.mark.parametrize("count", [1, 1_000])
def test_the_result_is_short_however_many_jobs_there_are(count):
    words = ("issued", "partial", "failed", "in doubt", "cancelled", "retried", "to reconcile")
    assert len(repr(ChunkResult(9 * count, dict.fromkeys(words, count)))) < 150
