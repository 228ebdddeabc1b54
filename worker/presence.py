"""Shows which worker processes run, so that a health check misses one that was killed."""

from typing import Any

from celery.bootsteps import StartStopStep

from broker.nodes import Nodes

_EVERY_SECONDS = 60.0


def presence(nodes: Nodes, report: str = "") -> type[StartStopStep]:
    """Make the boot step that notes this process while it runs, and forgets it when it stops.

    Args:
        nodes: where it is noted.
        report: what the process says of itself.
    """

    class Presence(StartStopStep):  # type: ignore[misc]  # Celery is untyped
        """Notes the process's node name."""

        def start(self, worker: Any) -> None:
            nodes.note(worker.hostname, report)

        def register_with_event_loop(self, worker: Any, hub: Any) -> None:
            """Repeat the note; Celery calls this for each new broker connection."""
            hub.call_repeatedly(_EVERY_SECONDS, nodes.note, worker.hostname, report)

        def stop(self, worker: Any) -> None:
            nodes.forget(worker.hostname)

        terminate = stop

    return Presence
