"""Chunks' messages: a worker believes only what the release of this deployment wrote."""

from collections.abc import Sequence

import structlog

from issuance.chunk_message import ChunkMessage
from issuance.derived_keys import Purpose
from ledger.store.database import Ledger
from worker.ledger_retry import retry_until
from worker.services import WorkerServices
from worker.stopping import is_stopping

log = structlog.get_logger("issuance.worker")

_ID_LENGTH = 36


def chunk_key(ledger: Ledger) -> bytes:
    """Return the key of chunks' marks; read once in each process.

    Raises:
        DBAPIError: the ledger is unavailable.
        LedgerError: the ledger has lost its secret.
    """
    return ledger.key(Purpose.CHUNKS)


def read_message(
    services: WorkerServices, chunk_id: object, arguments: Sequence[object]
) -> ChunkMessage | None:
    """Read a chunk's message; None, and one log entry, if it does not have the release's mark.

    Its jobs, if it names any, wait for the end of their lease.

    Args:
        services: this process's services.
        chunk_id: the task's id.
        arguments: the task's.

    Raises:
        DBAPIError: the ledger was unavailable for longer than the lease, or while the worker stops.
        LedgerError: the ledger has lost its secret.
    """
    key = retry_until(
        lambda: chunk_key(services.ledger),
        for_seconds=services.settings.lease_seconds,
        give_up=is_stopping,
    )
    message = ChunkMessage.read(chunk_id, arguments, key)
    if message is None:
        log.error(
            "chunk_message_refused",
            chunk_id=str(chunk_id)[:_ID_LENGTH],
            marked=len(arguments) > 1,
        )
    return message
