"""The record of one group of a chunk's results, and what is told of it."""

from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from config.log_writer import lines_together
from ledger.dispatch.claims import Claim
from ledger.results.recording import Result, record
from worker.chunk.log_events import tell_result
from worker.chunk.unknown_codes import is_undocumented
from worker.ledger_retry import first_line, insist, is_refusal
from worker.outbox import publish_notices

if TYPE_CHECKING:
    from worker.services import Parts

log = structlog.get_logger("issuance.worker")


def record_group(parts: "Parts", claim: Claim, group: list[Result]) -> None:
    """Record a group of one chunk's results, however long the ledger is away: outcomes are worth waiting for.

    Past the lease the jobs are others' to take over, and resending is safe: then this gives up.

    Raises:
        DBAPIError: the ledger was away for longer than the lease.
    """
    try:
        letters = insist(lambda: _record(parts, claim, group), for_seconds=parts.settings.lease_seconds)
    except DBAPIError as error:
        if not is_refusal(error):
            raise
        _record_apart(parts, claim, group, error)
        return
    with lines_together():
        for result in group:
            tell_result(claim, result)
    if any(is_undocumented(result) for result in group):
        parts.undocumented.tell(group)
    if letters:
        publish_notices(parts.app, parts.ledger, job_numbers=[result.job.number for result in group])


def _record(parts: "Parts", claim: Claim, group: list[Result]) -> bool:
    with parts.ledger_turn:
        return record(parts.ledger, claim.chunk_id, group, worker=parts.worker)


def _record_apart(parts: "Parts", claim: Claim, group: list[Result], error: DBAPIError) -> None:
    """Record a refused group one by one, so that only the result that is refused is left to its lease."""
    if len(group) > 1:
        for result in group:
            record_group(parts, claim, [result])
        return
    log.error("result refused", error=first_line(error), request_id=group[0].job.id, chunk_id=claim.chunk_id)
