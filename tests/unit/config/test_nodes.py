"""The names of worker processes: each has its own while it runs."""

import os
import signal
import sys

import pytest
from fakeredis import FakeRedis, FakeServer

from broker import nodes
from broker.nodes import Node, Nodes, claim_node_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's abstract sockets")


@pytest.fixture
def broker_url(tmp_path):
    yield f"redis://{tmp_path}"
    while nodes._kept:
        nodes._kept.pop().close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("worker@a.b", Node("worker", "a.b")),
        ("worker-2@a-3", Node("worker", "a-3")),
        ("background-worker@h", Node("background-worker", "h")),
        ("background-worker-12@h", Node("background-worker", "h")),
        ("dead-letters@h", Node("dead-letters", "h")),
    ],
)
def test_a_name_shows_the_process_and_the_host(name, expected):
    assert Node.read(name) == expected


def test_processes_of_one_kind_on_a_host_have_different_names(broker_url):
    names = [claim_node_name("worker", broker_url) for _ in range(3)]
    assert names == ["worker@%h", "worker-2@%h", "worker-3@%h"]
    assert claim_node_name("release", broker_url) == "release@%h"
    assert claim_node_name("worker", f"{broker_url}/other") == "worker@%h"


def test_a_killed_process_leaves_its_name_to_the_next(broker_url):
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        claim_node_name("worker", broker_url)
        os.write(writer, b"!")
        signal.pause()
    os.read(reader, 1)
    assert claim_node_name("worker", broker_url) == "worker-2@%h"
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    assert claim_node_name("worker", broker_url) == "worker@%h"


def test_a_process_is_known_until_it_is_stopped_or_an_hour_has_passed():
    server = FakeServer()
    redis = FakeRedis(server=server, decode_responses=True)
    known = Nodes(lambda: FakeRedis(server=server, decode_responses=True))
    known.note("worker@h")
    known.note("worker-2@h")
    assert known.known() == {"worker@h", "worker-2@h"}
    known.forget("worker-2@h")
    assert known.known() == {"worker@h"}
    assert 3_500 < redis.ttl("issuance:node:worker@h") <= 3_600
    server.connected = False
    assert known.known() == frozenset()
    assert known.reports() == {}
    known.note("worker@h")
    known.forget("worker@h")


def test_what_a_process_reports_is_kept_with_its_name_and_age():
    redis = FakeRedis(server=FakeServer(), decode_responses=True)
    known = Nodes(lambda: redis)
    known.note("worker@h", '{"version": "1"}')
    known.note("release@h")
    assert known.reports() == {"worker@h": '{"version": "1"}', "release@h": "1"}
    redis.expire("issuance:node:release@h", 3_000)
    ages = known.silent_seconds()
    assert 0 <= ages["worker@h"] < 60
    assert 599 <= ages["release@h"] < 660
