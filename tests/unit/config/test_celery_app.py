"""Celery's configuration: the settings that prevent lost or duplicate work."""

import pytest
from celery.worker.consumer import Consumer
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads, prepare_accept_content

from broker.celery_app import create_app
from broker.consumers import RabbitConsumer
from broker.queues import (
    CONSUMERS,
    DEAD_LETTER_QUEUE,
    DEAD_LETTER_TASK,
    LANE_QUEUES,
    REJECTED_QUEUE,
    RELEASE_QUEUE,
    RELEASE_TASK,
)
from config.endpoints import Servers
from config.settings import Settings
from console.local.flower_server import queues_api
from console.local.run import ProcessName, process_arguments
from issuance.job import Lane
from operations.services import Services
from worker.app import build

RABBITMQ_CONSUMER_TIMEOUT_SECONDS = 1_800
REDIS, AMQP = "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"


def _app(broker_url=REDIS, **settings):
    known = Settings(_env_file=None, **settings)
    return create_app(known, Servers("sqlite://", broker_url, REDIS, "http://x", 0))


@pytest.fixture
def conf():
    return _app().conf


def test_a_message_outlives_its_worker_until_its_jobs_are_recorded(conf):
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss


def test_a_worker_takes_no_more_messages_than_it_works_on(conf):
    assert conf.worker_prefetch_multiplier == 1


def test_no_result_is_stored(conf):
    assert conf.task_ignore_result
    assert conf.result_backend is None


def test_a_pickled_message_is_refused_and_a_json_one_is_not(conf):
    accepted = prepare_accept_content(conf.accept_content)
    content_type, encoding, data = dumps([1], serializer=conf.task_serializer)
    assert loads(data, content_type, encoding, accept=accepted) == [1]
    with pytest.raises(ContentDisallowed):
        loads(b"", "application/x-python-serialize", "binary", accept=accepted)


@pytest.mark.parametrize("lease", [10.0, 120.0, 3600.0])
def test_a_message_is_not_delivered_again_while_its_chunk_may_still_run(lease):
    timeout = 5.0
    options = _app(lease_seconds=lease, api_timeout_seconds=timeout).conf.broker_transport_options
    assert options["visibility_timeout"] > 2 * lease


def test_a_hanging_child_is_ended_and_one_that_waits_for_the_ledger_is_not(conf):
    settings = Settings(_env_file=None)
    assert 3 * settings.lease_seconds < conf.task_time_limit <= settings.visibility_timeout_seconds


def test_no_message_expires_and_none_waits_in_the_broker(conf):
    (entry,) = conf.beat_schedule.values()
    assert (entry["task"], entry["kwargs"]) == (RELEASE_TASK, {"by_beat": True})
    assert "options" not in entry
    assert conf.task_soft_time_limit is None
    assert _app().Task.expires is None


def test_messages_of_a_lost_worker_are_delivered_again_soon_after_the_timeout(conf):
    options = conf.broker_transport_options
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 5


def test_no_call_waits_without_a_limit_for_an_absent_broker(conf):
    assert conf.broker_pool_acquire_timeout
    assert conf.broker_transport_options["socket_connect_timeout"]
    assert conf.broker_transport_options["max_retries"] == 1
    assert conf.broker_connection_max_retries is None
    assert conf.broker_connection_retry_on_startup


def test_the_broker_may_be_shared_because_our_keys_have_a_prefix(conf):
    assert conf.broker_transport_options["global_keyprefix"] == "issuance:"


@pytest.fixture
def rabbit_conf():
    return _app(AMQP, redis_url=REDIS).conf


def test_on_rabbitmq_queues_are_replicated_and_publishing_is_confirmed(rabbit_conf):
    assert rabbit_conf.broker_transport_options["confirm_publish"]
    assert {queue.queue_arguments["x-queue-type"] for queue in rabbit_conf.task_queues} == {
        "quorum"
    }


def test_rabbitmq_drops_no_message_however_often_it_is_delivered_and_keeps_what_is_rejected(
    rabbit_conf,
):
    for queue in rabbit_conf.task_queues:
        arguments = queue.queue_arguments
        assert arguments["x-delivery-limit"] >= 100_000
        assert (arguments["x-dead-letter-exchange"], arguments["x-dead-letter-strategy"]) == (
            REJECTED_QUEUE,
            "at-least-once",
        )
    assert not rabbit_conf.task_acks_on_failure


def test_each_broker_is_given_only_its_own_options(conf, rabbit_conf):
    assert not {"confirm_publish"} & set(conf.broker_transport_options)
    assert not {"visibility_timeout", "global_keyprefix"} & set(
        rabbit_conf.broker_transport_options
    )
    assert {queue.queue_arguments for queue in conf.task_queues} == {None}


@pytest.mark.parametrize("lease", [10.0, 590.0])
def test_rabbitmq_takes_no_message_back_while_its_chunk_may_still_run(lease):
    assert (
        _app(
            AMQP, redis_url=REDIS, lease_seconds=lease, api_timeout_seconds=5.0
        ).conf.task_time_limit
        < RABBITMQ_CONSUMER_TIMEOUT_SECONDS
    )


def test_a_worker_on_rabbitmq_declares_no_queues_for_delays():
    of_celery, ours = Consumer.Blueprint.default_steps, RabbitConsumer.Blueprint.default_steps
    left_out = {step.rpartition(":")[2] for step in set(of_celery) - set(ours)}
    assert left_out == {"DelayedDelivery", "Control"}
    assert set(ours) - set(of_celery) == {"broker.remote_control:ReadingControl"}


@pytest.mark.parametrize(
    ("broker", "asked"),
    [
        ("amqps://u:p@rabbit.test:5671/v", "https://rabbit.test:15671/api/"),
        ("amqps://u:p@[fd00::1]/v", "https://[fd00::1]:15671/api/"),
        (AMQP, None),
        (REDIS, None),
    ],
)
def test_flower_asks_a_broker_with_tls_for_its_queues_with_tls(broker, asked):
    assert queues_api(broker) == asked


def test_every_queue_is_consumed_by_exactly_one_process(conf):
    settings = Settings(_env_file=None)
    consumed = {}
    for process, queue in CONSUMERS.items():
        arguments = process_arguments(ProcessName(process), settings, node=f"{process}@%h")
        consumed[arguments[arguments.index("--queues") + 1]] = queue
    assert set(consumed) == {queue.name for queue in conf.task_queues}
    assert set(consumed) == {*LANE_QUEUES.values(), RELEASE_QUEUE, DEAD_LETTER_QUEUE}
    assert set(LANE_QUEUES) == set(Lane)


@pytest.mark.parametrize(
    ("task", "queue"), [(RELEASE_TASK, RELEASE_QUEUE), (DEAD_LETTER_TASK, DEAD_LETTER_QUEUE)]
)
def test_a_task_without_a_named_queue_is_routed_to_one(task, queue):
    app = _app()
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_a_task_without_a_queue_of_its_own_cannot_make_one(conf):
    assert not conf.task_create_missing_queues


def _worker_app():
    servers = Servers("sqlite://", REDIS, REDIS, "http://x", 0)
    return build(Services(Settings(_env_file=None), servers))


def test_the_worker_knows_every_task_that_is_sent():
    app = _worker_app()
    ours = {name for name in app.tasks if name.startswith("issuance.")}
    assert ours == {"issuance.issue_chunk", RELEASE_TASK, DEAD_LETTER_TASK}
    assert all(app.tasks[name].acks_late for name in ours)


def test_two_applications_in_one_process_keep_their_own_tasks():
    first, second = _worker_app(), _worker_app()
    assert first.tasks[DEAD_LETTER_TASK] is not second.tasks[DEAD_LETTER_TASK]
    for app in (first, second):
        assert app.tasks[RELEASE_TASK].app is app
