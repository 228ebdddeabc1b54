"""An emptied broker: its queued jobs are taken back, once."""

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


def test_jobs_lost_with_an_emptied_broker_can_be_released_again_at_once(services, book, broker):
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


def test_claimed_jobs_stay_claimed_when_the_broker_is_emptied(book, broker):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    book.claim(chunk)
    release_lost_messages(book.ledger, broker)
    assert _states(book) == {State.RUNNING}


def test_an_unavailable_broker_and_rabbitmq_count_as_intact(book):
    book.accept(*make_jobs(1))
    book.release()
    unavailable = FakeServer()
    unavailable.connected = False
    release_lost_messages(book.ledger, FakeRedis(server=unavailable))
    release_lost_messages(book.ledger, None)
    assert _states(book) == {State.QUEUED}
