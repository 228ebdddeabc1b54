"""Celery's configuration: the one place that owns it, with the reason for each setting."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu.entity import Queue

from broker import rabbitmq
from broker.queues import CONSUMERS, DEAD_LETTER_TASK, RELEASE_QUEUE, RELEASE_TASK
from config.endpoints import Servers
from config.logs import configure_logs
from config.server_url import ServerUrl
from config.settings import Settings

_BROKER_CONNECT_SECONDS = 5
_BROKER_REPLY_SECONDS = 5.0
# Publishing fails at once when the broker is away: the release tries again in a second anyway.
_PUBLISHER_RETRIES = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}


def create_app(settings: Settings, servers: Servers) -> Celery:
    """Make a process's Celery application; `worker.tasks` adds the tasks."""
    app = Celery("issuance", broker=ServerUrl.parse(servers.broker_url).url or None)
    app.conf.update(_configuration(settings, servers))
    setup_logging.connect(
        lambda **_: configure_logs(settings), weak=False, dispatch_uid="issuance.logs"
    )
    return app


def _configuration(settings: Settings, servers: Servers) -> dict[str, Any]:
    return {
        # The broker only carries ids: no result backend, JSON only, nothing is pickled.
        "task_ignore_result": True,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # A message is acknowledged when its jobs are settled or given back; the message of a
        # killed child is delivered again.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # The last resort against a child that hangs: longer than any chunk, including its wait
        # for an absent ledger.
        "task_time_limit": settings.visibility_timeout_seconds,
        # A busy machine starts children slowly.
        "worker_proc_alive_timeout": 30,
        # A lost connection must not end calls in flight: their outcomes are still recorded.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "worker_consumer": "broker.consumers:ReturningConsumer",
        "broker_connection_max_retries": None,
        # Seconds that a publisher waits for a free connection; the default has no limit.
        "broker_pool_acquire_timeout": 10,
        "broker_transport_options": _transport_options(settings, servers),
        "task_queues": [_queue(name, servers) for name in CONSUMERS.values()],
        "task_routes": {
            RELEASE_TASK: {"queue": RELEASE_QUEUE},
            DEAD_LETTER_TASK: {"queue": CONSUMERS["dead-letters"]},
        },
        "task_create_missing_queues": False,
        # Flower reads these events; with chunks they cost little. Only the release process
        # (`issuance run`) reports what it sent: beat's ticks would crowd out the chunks in Flower.
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_schedule": {
            "release": {"task": RELEASE_TASK, "schedule": 1.0, "kwargs": {"by_beat": True}}
        },
        "beat_scheduler": "broker.beat_scheduler:SteadyScheduler",
        "beat_max_loop_interval": 1,
        "timezone": "UTC",
        **connection_settings(servers.broker_url),
    }


def connection_settings(broker_url: str) -> dict[str, Any]:
    """Return what only one of the brokers needs, and the options of its URL."""
    broker = ServerUrl.parse(broker_url)
    scheme = broker.url.partition(":")[0]
    if scheme in ("amqp", "amqps"):
        names = {"heartbeat": "broker_heartbeat", "connect_timeout": "broker_connection_timeout"}
        options = {names[name]: value for name, value in broker.options.items() if name in names}
        tls = {"broker_use_ssl": broker.rabbitmq_tls} if scheme == "amqps" else {}
        from broker import rabbitmq_transport  # noqa: PLC0415  # not needed with Redis

        named = {"broker_transport": rabbitmq_transport.NAMES[scheme]}
        return rabbitmq.SETTINGS | named | options | tls
    if scheme not in ("redis", "rediss"):  # none, or kombu's own in tests
        return {}
    from broker import redis_transport  # noqa: PLC0415  # not needed with RabbitMQ

    settings: dict[str, Any] = {"broker_transport": redis_transport.NAMES[scheme]}
    return settings | ({"broker_use_ssl": broker.tls} if scheme == "rediss" else {})


def _transport_options(settings: Settings, servers: Servers) -> dict[str, Any]:
    if servers.is_rabbitmq:
        return rabbitmq.TRANSPORT_OPTIONS | _PUBLISHER_RETRIES
    return {
        **_PUBLISHER_RETRIES,
        "visibility_timeout": settings.visibility_timeout_seconds,
        # Messages of a lost worker are restored within about 5 s of the timeout, not 100.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
        "socket_connect_timeout": _BROKER_CONNECT_SECONDS,
        "global_keyprefix": "issuance:",
        # A server that hangs must not hold up an acknowledgement, a publisher or a command.
        "socket_timeout": _BROKER_REPLY_SECONDS,
        "health_check_interval": 25,
        **{
            name: value
            for name, value in ServerUrl.parse(servers.broker_url).options.items()
            if not name.startswith("ssl_")
        },
    }


def _queue(name: str, servers: Servers) -> Queue:
    return rabbitmq.work_queue(name) if servers.is_rabbitmq else Queue(name, routing_key=name)
