"""Records a group of a chunk's results, then logs them and publishes their dead letters."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from config.log_writer import lines_together
from ledger.dispatch.claimed_jobs import Claim
from ledger.results.attempts import Result
from ledger.results.recording import record
from ledger.stop_loss.stopping import Stop
from ledger.store.database import Ledger
from worker.chunk.job_spans import add_spans
from worker.chunk.log_events import log_result
from worker.ledger_retry import first_line, is_refusal, retry_until
from worker.unknown_codes import is_undocumented

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing

log = structlog.get_logger("issuance.worker")


@dataclass(frozen=True)
class GroupRecord:
    """Records groups of results.

    Attributes:
        publish_dead_letters: publishes notices of the dead letters of these jobs.
        ledger: the record.
        ledger_turn: a lock, held while a group is written.
        report_undocumented: logs undocumented codes.
        worker: this process's name, recorded with each attempt.
        lease_seconds: how long to retry while the ledger is unavailable.
        halt: stops the calls of what the stop-loss has stopped, given the account's name.
        tracing: makes the spans of recorded jobs; None: there are none.
    """

    publish_dead_letters: Callable[[list[int]], object]
    ledger: Ledger
    ledger_turn: threading.Lock
    report_undocumented: Callable[[list[Result]], None]
    worker: str
    lease_seconds: float
    halt: Callable[[str, Stop], None]
    tracing: "Tracing | None" = None

    def __call__(self, claim: Claim, group: list[Result]) -> list[Result]:
        """Record a group of one chunk's results, and retry while the ledger is unavailable.

        It gives up after the lease: from then on other workers may claim the jobs and resend them,
        which is safe.

        Returns:
            The results that the ledger took: all, or those that it did not refuse.

        Raises:
            DBAPIError: the ledger was unavailable for longer than the lease.
        """
        began_ns = time.time_ns()
        try:
            letters = retry_until(
                lambda: self._record(claim, group), for_seconds=self.lease_seconds
            )
        except DBAPIError as error:
            if not is_refusal(error):
                raise
            return self._record_apart(claim, group, error)
        if self.tracing is not None:
            add_spans(self.tracing, claim, group, began_ns)
        with lines_together():
            for result in group:
                log_result(claim, result)
        if any(is_undocumented(result) for result in group):
            self.report_undocumented(group)
        if letters:
            self.publish_dead_letters([result.job.number for result in group])
        return group

    def _record(self, claim: Claim, group: list[Result]) -> bool:
        with self.ledger_turn:
            return record(
                self.ledger,
                claim.chunk_id,
                group,
                worker=self.worker,
                notify=partial(self.halt, claim.account),
            )

    def _record_apart(self, claim: Claim, group: list[Result], error: DBAPIError) -> list[Result]:
        """Record a refused group one by one, so that only the refused result fails."""
        if len(group) > 1:
            return [taken for result in group for taken in self(claim, [result])]
        log.error(
            "result_refused",
            error=first_line(error),
            request_id=group[0].job.id,
            chunk_id=claim.chunk_id,
        )
        return []
