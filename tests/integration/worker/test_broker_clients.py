"""What a client of the broker can send: a worker reads none of it, obeys none of it, and lives."""

import json
import zlib
from base64 import b64encode
from typing import Any
from uuid import uuid4

import psutil
import pytest

from broker.refused_messages import LARGEST_BODY
from issuance.job import Lane
from issuance.states import State
from tests.contract.ledger.build import make_jobs
from tests.integration.worker.system import wait_for
from worker.chunk_messages import chunk_key

pytestmark = pytest.mark.processes

QUEUE = "issuance.blast"
_EXPANDED = 400_000_000
_MEMORY = 100_000_000


@pytest.fixture(scope="module")
def worker(system):
    with system.worker(QUEUE, pool="prefork") as process:
        yield psutil.Process(process.pid)


@pytest.fixture
def still_works(system, desk, worker):
    """At the end of the test, the same worker issues a chunk and holds no other message."""
    yield
    desk.accept(*make_jobs(2, campaign=desk.campaign.name))
    system.release()
    wait_for(lambda: desk.counts() == {State.ISSUED: 2})
    wait_for(lambda: not system.redis.hlen("issuance:unacked"))
    assert worker.is_running()
    assert worker.status() != psutil.STATUS_ZOMBIE


def _message(**changed: Any) -> dict[str, Any]:
    """A chunk's message, as kombu writes it into Redis."""
    known = {
        "body": b64encode(b"[[[1]], {}, {}]").decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "issuance.issue_chunk", "id": str(uuid4())},
        "properties": {
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "delivery_tag": str(uuid4()),
            "body_encoding": "base64",
        },
    }
    return known | changed


def _push(system, entry: str) -> None:
    system.redis.lpush(f"issuance:{QUEUE}", entry)


def _slow(seconds: float) -> dict[str, Any]:
    return {"fault": {"kind": "latency", "seconds": seconds}}


def _bomb() -> bytes:
    packing = zlib.compressobj(9)
    zeros = b"0" * 1_000_000
    parts = [packing.compress(zeros) for _ in range(_EXPANDED // len(zeros))]
    return b"".join(parts) + packing.flush()


@pytest.mark.usefixtures("still_works")
def test_a_compressed_message_is_dropped_before_it_expands(system, worker):
    before = worker.memory_info().rss
    bomb = _message(body=b64encode(_bomb()).decode())
    bomb["headers"]["compression"] = "application/x-gzip"
    _push(system, json.dumps(bomb))
    wait_for(lambda: system.events(event="message_refused", why="its body is compressed"))
    assert worker.memory_info().rss - before < _MEMORY
    assert system.redis.llen(f"issuance:{QUEUE}") == 0


@pytest.mark.usefixtures("still_works")
def test_a_compressed_command_is_dropped_before_it_expands(system, worker):
    before = worker.memory_info().rss
    found = len(system.events(event="message_refused", why="its body is compressed"))
    mailbox = system.app.control.mailbox
    with system.app.producer_pool.acquire(block=True) as producer:
        producer.publish(
            {"method": "ping", "arguments": {"padding": "0" * 50_000_000}},
            exchange=mailbox.exchange.name,
            declare=[mailbox.exchange],
            compression="zlib",
            serializer="json",
        )
    wait_for(
        lambda: len(system.events(event="message_refused", why="its body is compressed")) > found
    )
    assert worker.memory_info().rss - before < _MEMORY


@pytest.mark.usefixtures("still_works")
def test_a_body_that_is_larger_than_any_of_ours_is_dropped(system):
    _push(system, json.dumps(_message(body="A" * (LARGEST_BODY + 1))))
    wait_for(
        lambda: [
            event for event in system.events(event="message_refused") if "1,048,576" in event["why"]
        ]
    )


_NOT_MESSAGES = {
    "no JSON": "not a message",
    "deep JSON": "[" * 100_000,
    "a type that no library knows": '{"__type__": "x", "__value__": 1}',
    "a number": "1",
    "a list": "[]",
    "nothing in it": "{}",
    "no delivery": json.dumps(_message(properties={"delivery_tag": "1"})),
    "properties that are a text": json.dumps(_message(properties="x")),
    "headers that are a list": json.dumps(_message(headers=["task"])),
    "a body that is a number": json.dumps(_message(body=1)),
    "a content type that is a list": json.dumps(_message(**{"content-type": ["json"]})),
    "another body's encoding": json.dumps(
        _message(properties=_message()["properties"] | {"body_encoding": "rot13"})
    ),
}


@pytest.mark.parametrize("entry", _NOT_MESSAGES.values(), ids=_NOT_MESSAGES)
@pytest.mark.usefixtures("still_works")
def test_an_entry_that_is_not_a_message_is_dropped(system, entry):
    found = len(system.events(event="message_refused"))
    _push(system, entry)
    wait_for(lambda: len(system.events(event="message_refused")) > found)


_UNUSABLE = {
    "a body that is not base64": _message(body="%"),
    "a task's name that is a list": _message(headers={"task": ["x"], "id": "1"}),
    "no id": _message(headers={"task": "issuance.issue_chunk"}),
    "an id that is a list": _message(headers={"task": "issuance.issue_chunk", "id": ["1"]}),
    "an expiry that is no time": _message(
        headers={"task": "issuance.issue_chunk", "id": "1", "expires": "soon"}
    ),
    "limits that are a number": _message(
        headers={"task": "issuance.issue_chunk", "id": "1", "timelimit": 7}
    ),
    "a body that is a text": _message(body=b64encode(b'"args"').decode()),
    "Celery's own task": _message(headers={"task": "celery.map", "id": "1"}),
}


@pytest.mark.parametrize("message", _UNUSABLE.values(), ids=_UNUSABLE)
@pytest.mark.usefixtures("still_works")
def test_a_message_that_celery_cannot_use_does_not_end_the_worker(system, message):
    logged = len(system.events(level="error")) + len(system.events(level="critical"))
    _push(system, json.dumps(message))
    wait_for(
        lambda: len(system.events(level="error")) + len(system.events(level="critical")) > logged
    )


def test_a_time_limit_in_a_message_does_not_end_its_calls(system, desk, worker):
    """With the limit, Celery would kill the child: three times make each job poison."""
    system.simulator.faults(next=[_slow(2.5)])
    desk.accept(*make_jobs(1, campaign=desk.campaign.name))
    (chunk,) = desk.release()
    children = worker.children()
    system.publish(chunk.message, time_limit=1, soft_time_limit=1)
    wait_for(lambda: desk.counts() == {State.ISSUED: 1})
    assert worker.children() == children


_COMMANDS: dict[str, dict[str, Any]] = {
    "shutdown": {},
    "pool_shrink": {"n": 1},
    "pool_grow": {"n": 5},
    "pool_restart": {},
    "autoscale": {"max": 1, "min": 0},
    "rate_limit": {"task_name": "issuance.issue_chunk", "rate_limit": "1/h"},
    "time_limit": {"task_name": "issuance.issue_chunk", "hard": 1, "soft": 1},
    "add_consumer": {"queue": "issuance.background"},
    "cancel_consumer": {"queue": QUEUE},
    "revoke": {"task_id": "1", "terminate": True},
    "terminate": {"task_id": "1", "signal": "KILL"},
    "revoke_by_stamped_headers": {"headers": {"a": "b"}, "terminate": True},
    "disable_events": {},
    "enable_events": {},
    "heartbeat": {},
    "hello": {"from_node": "x@y", "revoked": {"1": 0}},
    "election": {"id": "1", "topic": "x"},
    "objgraph": {},
    "memdump": {},
    "conf": {"with_defaults": True},
    "report": {},
    "of_tomorrow": {},
}


@pytest.mark.parametrize("name", _COMMANDS)
@pytest.mark.usefixtures("still_works")
def test_a_command_that_changes_a_worker_is_refused_and_logged(system, worker, name):
    children = worker.children()
    (reply,) = system.app.control.broadcast(
        name, arguments=_COMMANDS[name], reply=True, limit=1, timeout=10
    )
    assert list(reply.values()) == [
        {"error": "refused: this worker answers only commands that read"}
    ]
    assert len(system.events(event="control_command_refused", command=name)) == 1
    assert worker.children() == children


@pytest.mark.usefixtures("still_works")
def test_a_running_chunk_cannot_be_revoked_or_terminated(system, desk, worker):
    other = system.desk(f"{desk.campaign.name} revoked")
    system.simulator.faults(next=[_slow(2.5)])
    other.accept(*make_jobs(1, campaign=other.campaign.name))
    (chunk,) = other.release()
    children = worker.children()
    system.publish(chunk.message)
    wait_for(lambda: other.counts() == {State.RUNNING: 1})
    system.app.control.revoke(chunk.id, terminate=True, signal="SIGKILL")
    wait_for(lambda: other.counts() == {State.ISSUED: 1})
    assert worker.children() == children


def test_the_commands_that_read_are_answered_without_the_brokers_login(system, worker):
    inspect = system.app.control.inspect(timeout=5)
    for name in ("ping", "stats", "active", "reserved", "scheduled", "registered", "revoked"):
        (answer,) = getattr(inspect, name)().values()
        assert "error" not in answer, name
    (stats,) = inspect.stats().values()
    assert set(stats["broker"]) == {"hostname", "port", "transport", "virtual_host", "heartbeat"}
    assert stats["pool"]["max-concurrency"] == 1
    ((queue,),) = inspect.active_queues().values()
    assert queue["name"] == QUEUE


def test_a_mark_is_of_no_use_in_another_lane(system, desk, worker):
    desk.accept(*make_jobs(1, campaign=desk.campaign.name, lane=Lane.BACKGROUND))
    (chunk,) = desk.release(lane=Lane.BACKGROUND)
    numbers, campaign, _, mark = chunk.message.arguments(chunk_key(system.services.ledger))
    system.publish(chunk.message, args=[numbers, campaign, "blast", mark])
    wait_for(lambda: system.events(event="chunk_message_refused", chunk_id=chunk.id))
    assert desk.counts() == {State.QUEUED: 1}
