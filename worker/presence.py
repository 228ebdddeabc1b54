"""Shows which worker processes run, so that a health check misses one that was killed."""

import time
from typing import Any

import structlog
from celery.bootsteps import StartStopStep
from redis.exceptions import RedisError

from broker.nodes import Node, Nodes
from broker.restarts import NOT_STOPPED, Restart, Restarts

log = structlog.get_logger("issuance.worker")

_EVERY_SECONDS = 60.0


def presence(nodes: Nodes, restarts: Restarts, report: str = "") -> type[StartStopStep]:
    """Make the boot step that notes this process while it runs, and forgets it when it stops.

    Args:
        nodes: where it is noted.
        restarts: where it is kept that the one before it was not stopped.
        report: what the process says of itself.
    """

    class Presence(StartStopStep):  # type: ignore[misc]  # Celery is untyped
        """Notes the process's node name."""

        def start(self, worker: Any) -> None:
            if nodes.start(worker.hostname, report):
                keep_restart(restarts, worker.hostname, NOT_STOPPED)

        def register_with_event_loop(self, worker: Any, hub: Any) -> None:
            """Repeat the note; Celery calls this for each new broker connection."""
            hub.call_repeatedly(_EVERY_SECONDS, nodes.note, worker.hostname, report)

        def stop(self, worker: Any) -> None:
            nodes.forget(worker.hostname)

        terminate = stop

    return Presence


def keep_restart(restarts: Restarts, node: str, cause: str) -> None:
    """Keep for operators that a process, or a child of it, took the place of another one."""
    process, host = Node.read(node)
    try:
        restarts.keep(Restart(process, host, time.time(), cause))
    except (RedisError, OSError) as error:
        log.debug("restart_not_noted", node=node, error=str(error))
