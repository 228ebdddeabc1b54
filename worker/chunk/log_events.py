"""Log events of a chunk's results: one for each attempt and one for each job given back."""

from typing import Any

import structlog

from issuance.masking import scrub
from issuance.retry import Settle
from ledger.dispatch.claimed_jobs import Claim
from ledger.results.attempts import Attempt, GiveBack, Result, describe

log = structlog.get_logger("issuance.worker")


def log_result(held: Claim, result: Result) -> None:
    """Log the result of a job after it is recorded: ids and codes; the API's message is masked."""
    job = result.job
    ids: dict[str, Any] = {
        "request_id": job.id,
        "campaign": held.campaign,
        "chunk_id": held.chunk_id,
    }
    if len(job.lines) > 1:
        ids["request_ids"] = [line.request_id for line in job.lines]
    if job.reissue_of is not None:
        ids["reissue_of"] = (
            job.reissue_of
        )  # so that a search for the refused requestId finds this entry
    if job.redrives:
        ids["redrives"] = job.redrives
    match result:
        case GiveBack(delay_seconds=delay, because=because):
            log.info("job_given_back", **ids, delay_seconds=round(delay, 2), because=because)
        case Attempt():
            _log_attempt(result, ids)


def _log_attempt(attempt: Attempt, ids: dict[str, Any]) -> None:
    outcome, decision = attempt.outcome, attempt.decision
    reason = decision.reason if isinstance(decision, Settle) else None
    say = log.warning if reason else log.info
    say(
        "attempt_recorded",
        **ids,
        attempt=attempt.job.attempts + 1,
        outcome=outcome.kind.value,
        code=outcome.code,
        message=scrub(outcome.message, attempt.known),
        http_status=attempt.http_status,
        tracking_id=attempt.tracking_id,
        took_ms=attempt.took_ms,
        decision=describe(decision),
        reason=reason,
    )
