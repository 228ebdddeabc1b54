"""A broker that was emptied: what was queued in it is taken back, once."""

import pytest
from fakeredis import FakeRedis, FakeServer
from structlog.testing import capture_logs

from issuance.states import State
from tests.contract.ledger.build import make_jobs
from worker.broker_loss import release_lost_messages
from worker.dispatcher import run_release


@pytest.fixture
def broker():
    with FakeRedis(server=FakeServer()) as broker:
        yield broker


def _states(book):
    return {state for state, count in book.counts().items() if count}


def test_what_an_emptied_broker_has_lost_waits_again_and_can_be_released_at_once(
    services, book, broker
):
    release_lost_messages(book.ledger, broker)
    book.accept(*make_jobs(3))
    run_release(services)
    release_lost_messages(book.ledger, broker)
    assert _states(book) == {State.QUEUED}
    broker.flushall()
    with capture_logs() as logged:
        release_lost_messages(book.ledger, broker)
        release_lost_messages(book.ledger, broker)
    assert logged == [{"event": "broker_emptied", "jobs": 3, "log_level": "warning"}]
    assert _states(book) == {State.WAITING}
    assert run_release(services) == 3


def test_what_a_worker_has_in_hand_stays_there_when_the_broker_is_emptied(book, broker):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    book.claim(chunk)
    release_lost_messages(book.ledger, broker)
    assert _states(book) == {State.RUNNING}


def test_a_broker_that_is_away_or_leaves_no_mark_loses_nothing(book):
    book.accept(*make_jobs(1))
    book.release()
    away = FakeServer()
    away.connected = False
    release_lost_messages(book.ledger, FakeRedis(server=away))
    release_lost_messages(book.ledger, None)
    assert _states(book) == {State.QUEUED}
