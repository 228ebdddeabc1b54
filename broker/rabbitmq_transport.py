"""Kombu's transport for RabbitMQ, changed for silent servers and hostile messages.

Named in Celery's setting `broker_transport`, so that workers, publishers, beat and Flower use it.
"""

from typing import Any

from kombu.connection import resolve_aliases
from kombu.transport import pyamqp

from broker.refused_messages import log_refused, why_refused

_REPLY_SECONDS = 10.0
"""Longest silence of a server that owes an answer; it sends heartbeats more often."""


class Channel(pyamqp.Channel):
    """A channel that does not wait without limit, and removes messages that must not be read."""

    def wait(self, *args: Any, timeout: float | None = None, **options: Any) -> Any:
        """Wait for an answer.

        py-amqp waits without a limit, for the confirmation of an event for one. A worker that waits
        reads no heartbeats, so it would never notice that the server is gone.

        Raises:
            TimeoutError: the server sent nothing at all for 10 s, or for `timeout` seconds.
        """
        return super().wait(*args, timeout=timeout or _REPLY_SECONDS, **options)

    def _on_basic_deliver(self, consumer_tag: str, delivery_tag: int, *arguments: Any) -> None:
        *_, routing_key, message = arguments
        why = why_refused(message.properties.get("application_headers"), message.body)
        if why is None:
            super()._on_basic_deliver(consumer_tag, delivery_tag, *arguments)
            return
        log_refused(why, routing_key)
        # Not rejected: the queue of rejected messages is not the place for a large one.
        if consumer_tag not in (self.no_ack_consumers or ()):
            self.basic_ack(delivery_tag)


class Connection(pyamqp.Connection):
    """A connection that does not wait without limit."""

    Channel = Channel

    def wait(self, *args: Any, timeout: float | None = None, **options: Any) -> Any:
        """See `Channel.wait`."""
        return super().wait(*args, timeout=timeout or _REPLY_SECONDS, **options)


class Transport(pyamqp.Transport):
    """Opens such connections."""

    Connection = Connection


class TlsTransport(pyamqp.SSLTransport):
    """The same for `amqps://`."""

    Connection = Connection


NAMES = {"amqp": f"{__name__}:Transport", "amqps": f"{__name__}:TlsTransport"}
"""Scheme of a URL → the transport's name for Celery."""

# Addresses in logs and in Flower begin with the scheme, not with the name of our class.
resolve_aliases.update({name: scheme for scheme, name in NAMES.items()})
