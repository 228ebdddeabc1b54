"""The way of one chunk through a worker child: claim, issue, record in groups, tell of dead letters."""

import time
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy.exc import DBAPIError

from issuance.decision import Settle
from ledger.claims import Claim, claim
from ledger.recording import Attempt, GiveBack, Result, describe, record
from worker.issuing import Bounds, ChunkIssuing
from worker.notices import publish_notices
from worker.parts import Parts
from worker.stopping import is_stopping

log = structlog.get_logger("issuance.worker")

_GROUP_MOST = 100
_GROUP_WAIT_SECONDS = 0.1
_RECORD_AGAIN_SECONDS = 0.5


def handle_chunk(parts: Parts, chunk_id: str, job_numbers: Sequence[int], *, redelivered: bool) -> int:
    """Issue a chunk's jobs; returns how many were in hand.

    When it returns, each of them is settled in the ledger or given back to it (design rule 6).
    """
    settings = parts.settings
    held = claim(parts.ledger, chunk_id, job_numbers, lease_seconds=settings.lease_seconds, redelivered=redelivered)
    if not held.jobs:
        log.info("nothing to claim", chunk_id=chunk_id, jobs=len(job_numbers), redelivered=redelivered)
        return 0
    log.debug("claimed", chunk_id=chunk_id, campaign=held.campaign, jobs=len(held.jobs), redelivered=redelivered)
    _issue(parts, held)
    parts.nudge.give()
    return len(held.jobs)


def _issue(parts: Parts, held: Claim) -> None:
    results: SimpleQueue[Result | None] = SimpleQueue()
    issuing = ChunkIssuing(
        held,
        parts.client,
        parts.shared,
        _bounds(parts),
        is_stopping=is_stopping,
        put=results.put,
        rng=parts.rng,
    )
    done = parts.start(issuing.run())
    done.add_done_callback(lambda _: results.put(None))
    for group in _groups(results, len(held.jobs)):
        _record(parts, held, group)
    done.result()


def _bounds(parts: Parts) -> Bounds:
    settings = parts.settings
    return Bounds(
        policy=settings.retry_policy,
        start_within_seconds=settings.call_window_seconds,
        lease_seconds=settings.lease_seconds,
        max_concurrent=settings.api_max_concurrent,
    )


def _groups(results: "SimpleQueue[Result | None]", expected: int) -> Iterator[list[Result]]:
    """Gather results into groups: at once when nothing more is to come, else for a moment."""
    seen = 0
    while True:
        group: list[Result] = []
        until = float("inf")
        while len(group) < _GROUP_MOST:
            try:
                result = results.get(timeout=None if until == float("inf") else max(0.0, until - time.monotonic()))
            except Empty:
                break
            if result is None:
                if group:
                    yield group
                return
            group.append(result)
            seen += 1
            until = min(until, time.monotonic() + _GROUP_WAIT_SECONDS)
            if seen == expected:
                break
        yield group


def _record(parts: Parts, held: Claim, group: list[Result]) -> None:
    """Record a group, however long the ledger is away: replies in hand are worth waiting for.

    Past the lease the jobs are others' to take over, and resending is safe: then this gives up.
    """
    give_up_at = time.monotonic() + parts.settings.lease_seconds
    while True:
        try:
            letters = record(parts.ledger, held.chunk_id, group, worker=parts.worker)
        except DBAPIError as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("ledger away", error=str(error.orig), outcomes_held=len(group))
            time.sleep(_RECORD_AGAIN_SECONDS)
        else:
            break
    for result in group:
        _tell(held, result)
    if letters:
        publish_notices(parts.app, parts.ledger)


def _tell(held: Claim, result: Result) -> None:
    """One event an attempt, with its decision; one for each job given back."""
    job = result.job
    ids = {"request_id": job.id, "campaign": held.campaign, "chunk_id": held.chunk_id}
    if len(job.lines) > 1:
        ids["request_ids"] = [line.request_id for line in job.lines]  # type: ignore[assignment]
    match result:
        case GiveBack(delay_seconds=delay, because=because):
            log.info("given back", **ids, delay_seconds=round(delay, 2), because=because)
        case Attempt(outcome=outcome, decision=decision):
            say = log.warning if isinstance(decision, Settle) and decision.reason else log.info
            say(
                "attempt",
                **ids,
                attempt=job.attempts + 1,
                outcome=outcome.kind.value,
                code=outcome.code,
                message=outcome.message,
                http_status=result.http_status,
                tracking_id=result.tracking_id,
                took_ms=result.took_ms,
                decision=describe(decision),
                reason=decision.reason if isinstance(decision, Settle) else None,
            )
