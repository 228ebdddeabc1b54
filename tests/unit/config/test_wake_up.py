"""Wake-ups: many requests cause one release; an absent broker or Redis stops no caller."""

import pytest
from fakeredis import FakeRedis, FakeServer

from broker.celery_app import create_app
from broker.queues import RELEASE_QUEUE, RELEASE_TASK
from broker.wake_up import WakeUp
from config.endpoints import Servers
from config.settings import Settings
from tests.unit.worker.process import MEMORY_URL, messages

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def make_broker():
    """Makes applications, each with its own empty in-memory broker by default."""
    made = []

    def make(url=MEMORY_URL):
        made.append(create_app(Settings(_env_file=None), Servers("sqlite://", url, url, "", 0)))
        if url == MEMORY_URL:  # all applications of a process share it
            messages(made[-1], RELEASE_QUEUE)
        return made[-1]

    yield make
    for app in made:
        app.close()


def _sent(broker):
    return [message.headers["task"] for message in messages(broker, RELEASE_QUEUE)]


def test_many_simultaneous_requests_cause_one_release(server, make_broker):
    broker = make_broker()
    wake_ups = [WakeUp(broker, FakeRedis(server=server)) for _ in range(3)]
    assert all(wake_up.request() for wake_up in wake_ups)
    assert _sent(broker) == [RELEASE_TASK]


def test_a_request_after_a_release_began_causes_another(server, make_broker):
    broker = make_broker()
    wake_up = WakeUp(broker, FakeRedis(server=server))
    wake_up.request()
    wake_up.acknowledge()
    wake_up.request()
    assert _sent(broker) == [RELEASE_TASK] * 2


def test_a_lost_request_blocks_later_ones_for_a_few_seconds_only(server, make_broker):
    redis = FakeRedis(server=server)
    WakeUp(make_broker(), redis).request()
    assert 0 < redis.ttl("issuance:wake-up") <= 5


def test_an_absent_broker_is_reported_to_the_caller(server, make_broker):
    assert not WakeUp(make_broker(AWAY), FakeRedis(server=server)).request()


def test_an_absent_redis_is_reported_and_does_not_stop_a_release(server, make_broker):
    server.connected = False
    wake_up = WakeUp(make_broker(), FakeRedis(server=server))
    assert not wake_up.request()
    wake_up.acknowledge()


def test_requests_after_each_chunk_cause_at_most_a_release_every_quarter_of_a_second(
    server, make_broker
):
    broker, now = make_broker(), [100.0]
    wake_up = WakeUp(broker, FakeRedis(server=server), clock=lambda: now[0])
    for now[0] in (100.0, 100.1, 100.2, 100.3):
        wake_up.request_debounced()
        wake_up.acknowledge()
    assert _sent(broker) == [RELEASE_TASK] * 2
