"""Kombu's transport for Redis, changed to survive a server that answers with errors.

Named in Celery's setting `broker_transport`, so that workers, publishers, beat and Flower use it.
"""

from queue import Empty
from typing import Any

from kombu.connection import resolve_aliases
from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import ResponseError

from broker.refused_messages import log_refused, why_refused


class AcknowledgingQoS(redis.QoS):
    """Frees the place of a message even when Redis refuses its acknowledgement.

    Otherwise the worker keeps the place for a message that it no longer has. Without free places
    it fetches nothing, and so does not notice that its broker refuses, or works again. The message
    is delivered again after the visibility timeout, and finds no jobs.
    """

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge a message."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except BaseException:
            QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


class Channel(redis.Channel):
    """A channel with our acknowledgements, which survives entries that are not messages."""

    QoS = AcknowledgingQoS

    def _brpop_read(self, **options: Any) -> Any:
        delivered = self.connection.delivered
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, RecursionError):
            if self.connection.delivered != delivered:
                raise  # not from reading the entry
            log_refused("it is not JSON", "")
            raise Empty from None


class Transport(redis.Transport):
    """Counts every error reply of Redis as a lost connection, so that Celery connects again.

    OOM, READONLY, MISCONF, NOREPLICAS, MASTERDOWN, CLUSTERDOWN and NOPERM end with a failover, a
    full disk's cleaning or an administrator's correction. Celery itself would end the worker. A new
    connection is needed: the server at the end of the old one may have become a replica.
    """

    Channel = Channel
    connection_errors = (*redis.Transport.connection_errors, ResponseError)
    delivered = 0
    """Messages that were read."""

    def _deliver(self, message: Any, queue: str) -> None:
        """Give a message to its consumer; drop one that must not be unpacked.

        It was removed from its list and is not among the unacknowledged ones yet.
        """
        self.delivered += 1
        why = _why_unusable(message) or why_refused(message.get("headers"), message.get("body"))
        if why is None:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            log_refused(why, queue)


def _why_unusable(message: Any) -> str | None:
    """Return why kombu would fail on a message, which would end the worker; None if it would not.

    Any client of the server can put any JSON into a queue.
    """
    match message:
        case {
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
            } as properties,
        }:
            encoding = properties.get("body_encoding")
            texts = (message.get(name) for name in ("body", "content-type", "content-encoding"))
            if (
                encoding in (None, "base64")
                and isinstance(message.get("headers"), dict | None)
                and all(isinstance(text, str | None) for text in texts)
            ):
                return None
    return "it does not have the form of a message"


class TlsTransport(Transport):
    """The same for `rediss://`; a class of its own gives addresses in logs their scheme."""


NAMES = {"redis": f"{__name__}:Transport", "rediss": f"{__name__}:TlsTransport"}
"""Scheme of a URL → the transport's name for Celery."""

# Addresses in logs and in Flower begin with the scheme, not with the name of our class.
resolve_aliases.update({name: scheme for scheme, name in NAMES.items()})
