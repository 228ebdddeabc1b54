"""Celery's remote control, reduced to the commands that only read.

A client of the broker could otherwise shut workers down, limit their rate, end running chunks or
take their queues away. Flower and `issuance status` need no more than this.
"""

from collections.abc import Callable
from typing import Any

import structlog
from celery.worker.consumer.control import Control
from celery.worker.control import Panel

log = structlog.get_logger("issuance.worker")

READING = (
    "active",
    "active_queues",
    "ping",
    "registered",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
)
"""Not `conf` and `report`, which show settings, nor `hello`, which can revoke tasks."""
_SHOWN_OF_BROKER = ("hostname", "port", "transport", "virtual_host", "heartbeat")
_LONGEST_NAME = 60

_Command = Callable[..., Any]


class ReadingControl(Control):  # type: ignore[misc]  # Celery is untyped
    """Answers the commands that read; logs all others and does nothing."""

    def __init__(self, c: Any, **options: Any) -> None:
        super().__init__(c, **options)
        self.box.node.handlers = Commands()


class Commands(dict[str, _Command]):
    """The commands by name; any other name leads to a refusal."""

    def __init__(self) -> None:
        super().__init__({name: Panel.data[name] for name in READING} | {"stats": _stats})

    def __missing__(self, name: object) -> _Command:
        """Return what refuses the command."""

        def refuse(_state: object, **_arguments: object) -> dict[str, str]:
            log.warning("control_command_refused", command=str(name)[:_LONGEST_NAME])
            return {"error": "refused: this worker answers only commands that read"}

        return refuse


def _stats(state: Any, **arguments: Any) -> Any:
    """Show a worker's statistics without the broker's logins, options and alternates."""
    found = Panel.data["stats"](state, **arguments)
    broker = found.get("broker", {})
    return found | {"broker": {name: broker.get(name) for name in _SHOWN_OF_BROKER}}
