"""The record of one group of a chunk's results, and what is logged and published after it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from config.log_writer import lines_together
from ledger.dispatch.claims import Claim
from ledger.results.recording import Result, record
from ledger.store.database import Ledger
from worker.chunk.log_events import tell_result
from worker.ledger_retry import first_line, is_refusal, retry_until
from worker.outbox import publish_notices
from worker.unknown_codes import is_undocumented

log = structlog.get_logger("issuance.worker")


@dataclass(frozen=True)
class GroupRecord:
    """Records groups of results.

    Attributes:
        app: publishes the notices of dead letters.
        ledger: the record.
        ledger_turn: held while a group is written.
        tell_undocumented: logs the unknown codes among results.
        worker: this process's name, for the attempts.
        lease_seconds: how long an absent ledger is waited for.
    """

    app: Celery
    ledger: Ledger
    ledger_turn: threading.Lock
    tell_undocumented: Callable[[list[Result]], None]
    worker: str
    lease_seconds: float

    def __call__(self, claim: Claim, group: list[Result]) -> None:
        """Record a group of one chunk's results, and wait for the ledger if it is away.

        Past the lease other workers may take the jobs over, and resending is safe. Then this gives
        up.

        Raises:
            DBAPIError: the ledger was away for longer than the lease.
        """
        try:
            letters = retry_until(
                lambda: self._record(claim, group), for_seconds=self.lease_seconds
            )
        except DBAPIError as error:
            if not is_refusal(error):
                raise
            self._record_apart(claim, group, error)
            return
        with lines_together():
            for result in group:
                tell_result(claim, result)
        if any(is_undocumented(result) for result in group):
            self.tell_undocumented(group)
        if letters:
            publish_notices(
                self.app, self.ledger, job_numbers=[result.job.number for result in group]
            )

    def _record(self, claim: Claim, group: list[Result]) -> bool:
        with self.ledger_turn:
            return record(self.ledger, claim.chunk_id, group, worker=self.worker)

    def _record_apart(self, claim: Claim, group: list[Result], error: DBAPIError) -> None:
        """Record a refused group one by one, so that only the refused result is left to its lease."""
        if len(group) > 1:
            for result in group:
                self(claim, [result])
            return
        log.error(
            "result_refused",
            error=first_line(error),
            request_id=group[0].job.id,
            chunk_id=claim.chunk_id,
        )
