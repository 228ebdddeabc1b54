"""RabbitMQ as the broker: replicated queues, and a queue for messages that no worker can use."""

from typing import Any

from kombu.entity import Exchange, Queue

from broker.queues import REJECTED_QUEUE

_DELIVERIES_MOST = 1_000_000
_REJECTED_MOST = 10_000
_REJECTED_DAYS = 14

SETTINGS: dict[str, Any] = {
    # A failed message goes to the queue of rejected messages; its jobs are still released again.
    "task_acks_on_failure": False,
    # Seconds; a broker that vanished is noticed after two of them, so that work continues within a
    # minute of its return. The server may ask for fewer seconds.
    "broker_heartbeat": 15,
    # Not exclusive: the connection that a worker lost must not lock out its new one.
    "control_queue_exclusive": False,
    "control_queue_durable": True,
    "event_queue_exclusive": False,
    "event_queue_durable": True,
    "worker_consumer": "broker.consumers:RabbitConsumer",
}
"""Celery's settings for RabbitMQ only."""

TRANSPORT_OPTIONS: dict[str, Any] = {"confirm_publish": True}

_WORK: dict[str, Any] = {
    "x-queue-type": "quorum",
    # RabbitMQ 4 defaults to 20, and 3.x has no value for "unlimited". The ledger has its own limit
    # for poison jobs.
    "x-delivery-limit": _DELIVERIES_MOST,
    "x-dead-letter-exchange": REJECTED_QUEUE,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # the strategy above needs it
}
_REJECTED: dict[str, Any] = {
    "x-queue-type": "quorum",
    # It has no consumer, so its size is limited.
    "x-max-length": _REJECTED_MOST,
    "x-message-ttl": _REJECTED_DAYS * 24 * 3_600 * 1_000,
}


class WorkQueue(Queue):
    """A queue of work, declared together with the queue of its rejected messages."""

    def declare(self, nowait: bool = False, channel: Any = None) -> str:  # noqa: FBT001, FBT002  # kombu's signature
        """Declare the queue of rejected messages, then this one."""
        rejected_queue()(channel or self.channel).declare(nowait=nowait)
        name: str = super().declare(nowait=nowait, channel=channel)
        return name


def work_queue(name: str) -> Queue:
    """Describe a queue of work."""
    return WorkQueue(name, routing_key=name, queue_arguments=_WORK)


def rejected_queue() -> Queue:
    """Describe the queue of rejected messages: unknown tasks, broken bodies, failed tasks."""
    everything = Exchange(REJECTED_QUEUE, type="fanout")
    return Queue(REJECTED_QUEUE, exchange=everything, queue_arguments=_REJECTED)
