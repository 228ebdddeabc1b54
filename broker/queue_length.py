"""How many messages a queue has."""

from typing import TYPE_CHECKING

from broker.publisher import forget_connection, reach_broker

if TYPE_CHECKING:
    from celery import Celery

_PRODUCER_SECONDS = 5.0


def queue_length(app: "Celery", name: str) -> int:
    """Return the number of messages that wait in a queue; it costs one round trip.

    Args:
        app: the Celery application.
        name: one of its queues.

    Raises:
        BrokerAway: the broker cannot be reached, or has no such queue.
    """
    with (
        reach_broker(app),
        app.producer_pool.acquire(block=True, timeout=_PRODUCER_SECONDS) as producer,
    ):
        try:
            # Redis has no queue until it has a message, and RabbitMQ must not make one here.
            passive = producer.connection.transport.driver_type == "amqp"
            declared = producer.channel.queue_declare(queue=name, passive=passive)
        except BaseException:
            forget_connection(producer.connection)
            raise
        return int(declared.message_count)
