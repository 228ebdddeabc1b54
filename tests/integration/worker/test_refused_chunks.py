"""Publishing to a real RabbitMQ: any chunk fits, and a refusal is not an absent broker."""

from uuid import uuid4

import pytest
from kombu import pools

from broker.celery_app import create_app
from broker.publisher import BrokerAway, PublishRefused
from broker.queues import CONSUMERS
from config.endpoints import Servers
from config.settings import Settings
from issuance.job import Lane
from ledger.dispatch.release import Chunk
from tests.rabbitmq import NotInstalledError, installed_server
from worker.dispatcher import _send

KEY = bytes(32)
_NO_LIMIT = 134_217_728


@pytest.fixture(scope="module")
def rabbit():
    try:
        with installed_server() as server:
            yield server
    except NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture
def app(rabbit):
    made = create_app(Settings(_env_file=None), Servers("", rabbit.url, "redis://", "", 0))
    with made.connection_for_write() as connection:
        for name in CONSUMERS.values():
            made.amqp.queues[name](connection.default_channel).declare()
    yield made
    made.close()
    pools.reset()  # a connection has the limits of the time when it was opened


def _chunk(jobs: int, lines: int) -> Chunk:
    numbers = tuple(range(9_000_000_000, 9_000_000_000 + jobs))
    ids = tuple(str(uuid4()) for _ in range(jobs * lines))
    return Chunk(str(uuid4()), "spring" * 50, 1, Lane.BLAST, numbers, ids)


def test_the_largest_chunk_fits_into_the_smallest_frame_of_rabbitmq(app, rabbit):
    rabbit.control("eval", "application:set_env(rabbit, frame_max, 8192).")
    pools.reset()
    try:
        _send(app, _chunk(jobs=1_000, lines=100), KEY)
    finally:
        rabbit.control("eval", "application:set_env(rabbit, frame_max, 131072).")


def test_a_message_that_is_too_large_is_refused_and_a_smaller_one_is_taken(app, rabbit):
    rabbit.control("eval", "persistent_term:put(max_message_size, 3000).")
    rabbit.control("eval", "application:set_env(rabbit, max_message_size, 3000).")
    pools.reset()
    try:
        with pytest.raises(PublishRefused, match="larger than"):
            _send(app, _chunk(jobs=1_000, lines=1), KEY)
        _send(app, _chunk(jobs=5, lines=1), KEY)
    finally:
        rabbit.control("eval", f"application:set_env(rabbit, max_message_size, {_NO_LIMIT}).")


def test_a_missing_permission_is_a_refusal_and_not_an_absence(app, rabbit):
    rabbit.control("set_permissions", "guest", ".*", "^nothing$", ".*")
    try:
        with pytest.raises(PublishRefused, match="ACCESS_REFUSED"):
            _send(app, _chunk(jobs=1, lines=1), KEY)
    finally:
        rabbit.control("set_permissions", "guest", ".*", ".*", ".*")
    _send(app, _chunk(jobs=1, lines=1), KEY)


def test_a_stopped_server_is_an_absence(app, rabbit):
    rabbit.stop()
    try:
        with pytest.raises(BrokerAway):
            _send(app, _chunk(jobs=1, lines=1), KEY)
    finally:
        rabbit.start()
