"""The processes, queues, servers and versions, as the system page shows them."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from redis.exceptions import RedisError

from broker.publisher import BrokerAway
from broker.queue_length import queue_length
from broker.queues import DEAD_LETTER_QUEUE, LANE_QUEUES, RELEASE_QUEUE
from config.endpoints import RunningSystem
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from ledger.store.database import Ledger
from ledger.store.schema import REVISION
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.services import Services

_QUEUES = (*LANE_QUEUES.values(), RELEASE_QUEUE, DEAD_LETTER_QUEUE)


@dataclass(frozen=True, slots=True)
class SystemView:
    """The system at one moment."""

    nodes: Mapping[str, float] | None
    """Seconds since each worker process gave a sign, by node; None: Redis is out of reach."""
    heartbeats: Mapping[Heartbeat, float]
    """Seconds since each last ran; one that never ran is missing."""
    queues: Mapping[str, int] | None
    """Messages that wait, by queue; None: the broker is out of reach."""
    flower_url: str
    """Where Flower is; "": unknown."""
    software: Mapping[str, str]
    """Versions, by name."""


@needs(Right.VIEW)
def read_system(subject: Subject, services: Services, ledger: Ledger) -> SystemView:
    """Read the system; a part whose server is away is None."""
    return SystemView(
        _nodes(services),
        silent_seconds(ledger),
        _queues(services),
        _flower_url(services),
        dict(_software(services, ledger)),
    )


def _nodes(services: Services) -> Mapping[str, float] | None:
    if not services.servers.redis_url:
        return None
    try:
        return dict(sorted(services.nodes.silent_seconds().items()))
    except (RedisError, OSError):
        return None


def _queues(services: Services) -> Mapping[str, int] | None:
    if not services.servers.broker_url:
        return None
    try:
        return {name: queue_length(services.celery, name) for name in _QUEUES}
    except BrokerAway:
        return None


def _flower_url(services: Services) -> str:
    settings = services.settings
    running = RunningSystem.find(settings.home)
    return settings.flower_url or (running.flower_url if running else "")


def _software(services: Services, ledger: Ledger) -> Iterator[tuple[str, str]]:
    yield "reward-issuance", version("reward-issuance")
    yield "schema", REVISION
    yield "Python", platform.python_version()
    with ledger.read() as connection:
        found = connection.dialect.server_version_info or ()
        yield connection.dialect.name, ".".join(map(str, found))
    yield "broker", "RabbitMQ" if services.servers.is_rabbitmq else "Redis"
