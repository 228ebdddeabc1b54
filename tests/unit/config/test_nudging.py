"""Nudges: one release is asked for, however many ask; an absent broker or Redis stops nobody."""

import pytest
from fakeredis import FakeRedis, FakeServer

from config.nudging import Nudge
from config.queues import RELEASE_TASK


class _Broker:
    """Counts what is sent; away when told so."""

    def __init__(self, error=None):
        self.sent, self.error = [], error

    def send_task(self, name, **_):
        if self.error:
            raise self.error
        self.sent.append(name)


@pytest.fixture
def server():
    return FakeServer()


def test_many_who_ask_at_once_get_one_release(server):
    broker = _Broker()
    nudges = [Nudge(broker, FakeRedis(server=server)) for _ in range(3)]
    assert all(nudge.give() for nudge in nudges)
    assert broker.sent == [RELEASE_TASK]


def test_who_asks_after_a_release_began_gets_another(server):
    broker = _Broker()
    nudge = Nudge(broker, FakeRedis(server=server))
    nudge.give()
    nudge.take()
    nudge.give()
    assert broker.sent == [RELEASE_TASK] * 2


def test_a_nudge_that_was_lost_keeps_nobody_from_asking_for_long(server):
    redis = FakeRedis(server=server)
    Nudge(_Broker(), redis).give()
    assert 0 < redis.ttl("issuance:nudged") <= 5


def test_an_absent_broker_is_told_to_who_asked(server):
    assert not Nudge(_Broker(ConnectionRefusedError()), FakeRedis(server=server)).give()


def test_an_absent_redis_is_told_to_who_asked_and_does_not_stop_a_release(server):
    server.connected = False
    nudge = Nudge(_Broker(), FakeRedis(server=server))
    assert not nudge.give()
    nudge.take()
