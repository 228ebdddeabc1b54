"""Kombu's transport for Redis, changed to survive a server that answers with errors.

Named in Celery's setting `broker_transport`, so that workers, publishers, beat and Flower use it.
"""

from typing import Any

from kombu.connection import resolve_aliases
from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import ResponseError


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
    """A channel with our acknowledgements."""

    QoS = AcknowledgingQoS


class Transport(redis.Transport):
    """Counts every error reply of Redis as a lost connection, so that Celery connects again.

    OOM, READONLY, MISCONF, NOREPLICAS, MASTERDOWN, CLUSTERDOWN and NOPERM end with a failover, a
    full disk's cleaning or an administrator's correction. Celery itself would end the worker. A new
    connection is needed: the server at the end of the old one may have become a replica.
    """

    Channel = Channel
    connection_errors = (*redis.Transport.connection_errors, ResponseError)


class TlsTransport(Transport):
    """The same for `rediss://`; a class of its own gives addresses in logs their scheme."""


NAMES = {"redis": f"{__name__}:Transport", "rediss": f"{__name__}:TlsTransport"}
"""Scheme of a URL → the transport's name for Celery."""

# Addresses in logs and in Flower begin with the scheme, not with the name of our class.
resolve_aliases.update({name: scheme for scheme, name in NAMES.items()})
