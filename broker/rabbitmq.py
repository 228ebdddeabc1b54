"""RabbitMQ as the broker: replicated queues that lose nothing, and a queue for what no worker can make use of."""

from typing import Any

from kombu.entity import Exchange, Queue

from broker.queues import REJECTED_QUEUE

_DELIVERIES_MOST = 1_000_000
_REJECTED_MOST = 10_000
_REJECTED_DAYS = 14

SETTINGS: dict[str, Any] = {
    # What a worker rejects goes to the queue of rejected messages. Its jobs are released anew all
    # the same.
    "task_acks_on_failure": False,
    # A broker that has vanished is noticed after two of them. The server may ask for fewer seconds.
    "broker_heartbeat": 30,
    # Not exclusive: a worker that connects anew must not be locked out by the connection it lost.
    "control_queue_exclusive": False,
    "control_queue_durable": True,
    "event_queue_exclusive": False,
    "event_queue_durable": True,
    "worker_consumer": "broker.consumers:RabbitConsumer",
}
"""Celery's settings that only RabbitMQ has a use for."""

TRANSPORT_OPTIONS: dict[str, Any] = {"confirm_publish": True}

_WORK: dict[str, Any] = {
    "x-queue-type": "quorum",
    # Since RabbitMQ 4 the default is 20, and 3.x knows no word for "unlimited". The ledger has its
    # own limit for jobs that kill their workers.
    "x-delivery-limit": _DELIVERIES_MOST,
    "x-dead-letter-exchange": REJECTED_QUEUE,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # the strategy above needs it
}
_REJECTED: dict[str, Any] = {
    "x-queue-type": "quorum",
    # For people to look at: nobody consumes it, so it must not grow for ever.
    "x-max-length": _REJECTED_MOST,
    "x-message-ttl": _REJECTED_DAYS * 24 * 3_600 * 1_000,
}


class WorkQueue(Queue):
    """A queue of work; whoever declares it first declares along with it where its rejected messages go."""

    def declare(self, nowait: bool = False, channel: Any = None) -> str:  # noqa: FBT001, FBT002  # kombu's signature
        """Declare it."""
        rejected_queue()(channel or self.channel).declare(nowait=nowait)
        name: str = super().declare(nowait=nowait, channel=channel)
        return name


def work_queue(name: str) -> Queue:
    """Describe a queue of work."""
    return WorkQueue(name, routing_key=name, queue_arguments=_WORK)


def rejected_queue() -> Queue:
    """Describe the queue of rejected messages: an unknown task, a broken body, a task that failed."""
    everything = Exchange(REJECTED_QUEUE, type="fanout")
    return Queue(REJECTED_QUEUE, exchange=everything, queue_arguments=_REJECTED)
