"""Log entries of a transaction, written after its commit: what was rolled back is never logged."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy import Connection

log = structlog.get_logger("issuance.ledger")

OPTION = "issuance_events"
"""The execution option that holds a transaction's log entries, a list."""
AFTER = "issuance_after_commit"
"""The execution option that holds what is called after a transaction's commit, a list."""
_IDS_PER_ENTRY = 50


def log_after_commit(
    connection: Connection, event: str, *, level: str = "info", **fields: Any
) -> None:
    """Log an event after the commit.

    Pass only ids, codes and counts; `message` and `note` are masked when the entry is written.
    """
    connection.get_execution_options()[OPTION].append((level, event, fields))


def log_jobs_after_commit(
    connection: Connection,
    event: str,
    request_ids: Sequence[str],
    *,
    level: str = "info",
    **fields: Any,
) -> None:
    """Log an event of many jobs after the commit, in entries of up to 50 requestIds."""
    for start in range(0, len(request_ids), _IDS_PER_ENTRY):
        ids = list(request_ids[start : start + _IDS_PER_ENTRY])
        log_after_commit(connection, event, level=level, count=len(ids), **fields, request_ids=ids)


def call_after_commit(connection: Connection, function: Callable[[], object]) -> None:
    """Call a function after the commit; not if the transaction is rolled back."""
    connection.get_execution_options()[AFTER].append(function)


def write_log(entries: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Write the entries of a transaction that has committed."""
    for level, event, fields in entries:
        getattr(log, level)(event, **fields)


def line_fields(request_ids: Sequence[str]) -> dict[str, Any]:
    """Return the fields that identify a job: a search for any of its requestIds finds the entry."""
    fields: dict[str, Any] = {"request_id": request_ids[0]}
    return fields if len(request_ids) == 1 else fields | {"request_ids": list(request_ids)}
