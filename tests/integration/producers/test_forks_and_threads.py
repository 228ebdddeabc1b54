"""`producers.enqueue` in a web server that loads the application, then forks its workers."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from sqlalchemy import func, select

from config.endpoints import Servers
from config.settings import Settings
from ledger.store.database import Ledger
from ledger.store.schema import jobs
from producers import Producer
from producers.producer import _default, enqueue
from tests.postgres import postgres_database, postgres_server
from tests.valkey import valkey_server

_CHILDREN, _CALLS = 4, 25


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request, home, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{home / 'ledger.db'}"
        return
    with postgres_server() as server, postgres_database(server) as url:
        with Ledger(url) as ledger:
            ledger.migrate()
        yield url


@pytest.fixture
def producer(ledger_url, valkey, home):
    url = f"redis://127.0.0.1:{valkey.port}/0"
    settings = Settings(_env_file=None, home=home, ledger_url=ledger_url, broker_url=url)
    with Producer(settings, Servers.of(settings)) as made:
        yield made


def _calls(producer, child: int) -> None:
    for call in range(_CALLS):
        mobile = f"9198{child:02}{call:06}"
        assert producer.enqueue(mobile=mobile, reward_id=1, key=mobile).is_new


def _fork(work) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  # a child of the test runner must end here
            os._exit(1)
        os._exit(0)
    return child


def _count(ledger) -> int:
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(jobs))


def test_children_forked_after_the_first_call_share_no_connection(producer, valkey):
    producer.enqueue(mobile="919900000000", reward_id=1)  # opens every connection
    before = _connections(valkey)
    children = [_fork(lambda n=n: _calls(producer, n)) for n in range(_CHILDREN)]
    _calls(producer, 99 % 90)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * _CHILDREN
    # The parent's connections still work, although children that had them have ended.
    producer.enqueue(mobile="919900000001", reward_id=1)
    assert _count(producer.ledger) == (_CHILDREN + 1) * _CALLS + 2
    assert _connections(valkey) == before


def _connections(valkey) -> set[str]:
    with Redis(port=valkey.port) as redis:
        own = redis.client_id()
        return {c["id"] for c in redis.client_list() if int(c["id"]) != own}


def test_threads_and_a_fork_in_the_middle_of_their_calls(producer):
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(_calls, producer, n) for n in range(4)]
        children = [_fork(lambda n=n: _calls(producer, n)) for n in (10, 11)]
        for one in done:
            one.result()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert _count(producer.ledger) == 6 * _CALLS


def test_threads_that_call_first_at_the_same_time_share_one_producer(home):
    made = set()

    def call(n):
        enqueue(mobile=f"91980000{n:04}", reward_id=1)
        made.add(id(_default.get()))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(16)))
    assert len(made) == 1
    assert _count(_default.get().ledger) == 16
    _default.get().close()
    _default._producer = None
