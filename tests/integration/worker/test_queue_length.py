"""The length of a queue, by which the outbox stops: on Redis and on RabbitMQ."""

import pytest
from kombu import pools

from broker.celery_app import create_app
from broker.publisher import BrokerAway, publish
from broker.queue_length import queue_length
from broker.queues import CONSUMERS, DEAD_LETTER_QUEUE, DEAD_LETTER_TASK
from config.endpoints import Servers
from config.settings import Settings
from tests.integration.worker.system import wait_for
from tests.rabbitmq import NotInstalledError, installed_server
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.connection_url}/0"


@pytest.fixture(scope="module")
def rabbit_url():
    try:
        with installed_server() as server:
            yield server.url
    except NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["redis_url", "rabbit_url"])
def app(request):
    url = request.getfixturevalue(request.param)
    made = create_app(Settings(_env_file=None), Servers("", url, "redis://", "", 0))
    with made.connection_for_write() as connection:
        for name in CONSUMERS.values():
            made.amqp.queues[name](connection.default_channel).declare()
    yield made
    made.close()
    pools.reset()


def test_a_queue_is_counted_without_a_change(app):
    assert queue_length(app, DEAD_LETTER_QUEUE) == 0
    for number in range(3):
        publish(app, DEAD_LETTER_TASK, kwargs={"letter_ids": [number]})
    # RabbitMQ counts a confirmed message a moment later.
    wait_for(lambda: queue_length(app, DEAD_LETTER_QUEUE) == 3)
    assert queue_length(app, DEAD_LETTER_QUEUE) == 3


def test_a_broker_that_is_away_is_an_error():
    app = create_app(Settings(_env_file=None), Servers("", "redis://127.0.0.1:1/0", "", "", 0))
    with pytest.raises(BrokerAway):
        queue_length(app, DEAD_LETTER_QUEUE)
    app.close()
