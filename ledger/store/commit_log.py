"""Events: what the ledger tells the log when a transaction has committed; what was rolled back never happened."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection

log = structlog.get_logger("issuance.ledger")

OPTION = "issuance_events"
"""The execution option that holds a transaction's events, a list."""
_IDS_OF_A_LINE = 50


def note_event(connection: Connection, event: str, *, level: str = "info", **fields: Any) -> None:
    """Have an event told after the commit. Ids, codes and counts only; the log masks `message` and `note`."""
    connection.get_execution_options()[OPTION].append((level, event, fields))


def note_jobs(
    connection: Connection,
    event: str,
    request_ids: Sequence[str],
    *,
    level: str = "info",
    **fields: Any,
) -> None:
    """Have an event of many jobs told: each requestId is in one line, and no line has more than 50."""
    for start in range(0, len(request_ids), _IDS_OF_A_LINE):
        slice_ = list(request_ids[start : start + _IDS_OF_A_LINE])
        note_event(connection, event, level=level, count=len(slice_), **fields, request_ids=slice_)


def tell_events(events: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Log the events of a transaction that has committed."""
    for level, event, fields in events:
        getattr(log, level)(event, **fields)


def name_lines(request_ids: Sequence[str]) -> dict[str, Any]:
    """A job's fields in an event, so that a grep for any of its lines finds it."""
    named: dict[str, Any] = {"request_id": request_ids[0]}
    return named if len(request_ids) == 1 else named | {"request_ids": list(request_ids)}
