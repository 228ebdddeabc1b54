"""RabbitMQ as the broker: a blast in which workers are killed, and unreadable messages."""

from collections.abc import Iterator

import pytest
from kombu.connection import Connection

from broker.queues import LANE_QUEUES, REJECTED_QUEUE
from broker.refused_messages import LARGEST_BODY
from issuance.job import Lane
from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.rabbitmq import NotInstalledError, rabbitmq_url
from tests.valkey import valkey_server

pytestmark = pytest.mark.smoke

_QUEUE = LANE_QUEUES[Lane.BLAST]


@pytest.fixture(scope="module")
def broker_url() -> Iterator[str]:
    try:
        with rabbitmq_url() as url:
            yield url
    except NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def system(
    start_system: StartSystem, broker_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    with valkey_server(tmp_path_factory.mktemp("limits")) as limits:
        settings = {
            "ISSUANCE_BROKER_URL": broker_url,
            "ISSUANCE_REDIS_URL": f"redis://127.0.0.1:{limits.port}/0",
            "ISSUANCE_API_MAX_CONCURRENT": "10",
            "SIMULATOR_LATENCY_SECONDS": "0.25",
        }
        with start_system(**settings) as started:
            yield started


def test_a_blast_on_rabbitmq_survives_killed_workers(system: System):
    system.accept("rabbit", plain_rows(300, area=96))
    await_that("the blast is under way", lambda: system.calls() > 40)
    system.processes.children("worker")[0].kill()
    await_that("the blast continues", lambda: system.calls() > 100)
    worker = system.processes.kill_tree("worker")
    system.processes.find_again(worker, "worker")
    assert system.wait_settled("rabbit", 40).counts[State.ISSUED] == 300


def test_unreadable_messages_end_in_the_queue_of_rejected_messages(system: System, broker_url: str):
    with Connection(broker_url) as connection, connection.channel() as channel:
        before = _count(channel, REJECTED_QUEUE)
        producer = connection.Producer(channel)
        named = {"id": "1", "task": "issuance.of_tomorrow"}
        producer.publish([[], {}, {}], routing_key=_QUEUE, headers=named)
        ours = {"id": "2", "task": "issuance.issue_chunk"}
        unreadable = {"routing_key": _QUEUE, "headers": ours, "content_encoding": "utf-8"}
        producer.publish(b"{not json", content_type="application/json", **unreadable)
        producer.publish(
            b"\x80\x04]\x94.", content_type="application/x-python-serialize", **unreadable
        )
        await_that("all are rejected", lambda: _count(channel, REJECTED_QUEUE) == before + 3)
        assert _count(channel, _QUEUE) == 0


def test_compressed_and_oversized_messages_are_dropped_before_they_are_unpacked(
    system: System, broker_url: str
):
    with Connection(broker_url) as connection, connection.channel() as channel:
        before = _count(channel, REJECTED_QUEUE)
        since = system.log_size("worker")
        producer = connection.Producer(channel)
        ours = {"routing_key": _QUEUE, "headers": {"id": "3", "task": "issuance.issue_chunk"}}
        producer.publish("0" * 50_000_000, compression="zlib", serializer="json", **ours)
        producer.publish("0" * (LARGEST_BODY + 1), serializer="json", **ours)

        def refused() -> list[str]:
            entries = system.log_entries("worker", since=since)
            return [each["why"] for each in entries if each["event"] == "message_refused"]

        await_that("both are logged", lambda: len(refused()) == 2)
        assert any("compressed" in why for why in refused())
        assert _count(channel, _QUEUE) == 0
        assert _count(channel, REJECTED_QUEUE) == before


def test_the_system_on_rabbitmq_is_healthy(system: System):
    done = system.command("health")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def _count(channel, queue: str) -> int:
    return channel.queue_declare(queue, passive=True).message_count
