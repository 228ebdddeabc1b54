"""The way of one chunk through a worker child: claim, issue, record in groups, tell of dead letters."""

from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from config.log_writer import lines_together
from ledger.dispatch.claims import Claim, claim
from ledger.results.recording import Result, record
from limiter.unavailable import LimitsUnavailable
from worker.chunk.batching import gather_groups
from worker.chunk.bounds import Bounds
from worker.chunk.issuer import ChunkIssuing
from worker.chunk.log_events import tell_result
from worker.ledger_retry import first_line, insist, is_refusal
from worker.outbox import publish_notices
from worker.services import Parts
from worker.stopping import is_stopping
from worker.unknown_codes import is_undocumented

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("issuance.worker")


def handle_chunk(parts: Parts, chunk_id: str, job_numbers: Sequence[int], *, redelivered: bool) -> int:
    """Issue a chunk's jobs; returns how many were in hand.

    When it returns, each of them is settled in the ledger or given back to it (design rule 6), save what
    broke in our own hands: that is left to its lease. So is everything when the ledger stays away.

    Raises:
        DBAPIError: the ledger was away for longer than the lease, or while the worker is told to stop.
    """
    parts.prepare()  # whatever is missing must show before the claim, or it would look like a dying worker
    lease_seconds = parts.settings.lease_seconds
    orphaned = redelivered and parts.orphans.take(chunk_id)
    held = insist(
        lambda: claim(parts.ledger, chunk_id, job_numbers, lease_seconds=lease_seconds, orphaned=orphaned),
        for_seconds=lease_seconds,
        give_up=is_stopping,  # nothing is in hand yet
    )
    _unlock(parts, held)
    if not held.jobs:
        log.info("nothing to claim", chunk_id=chunk_id, jobs=len(job_numbers), redelivered=redelivered)
        return 0
    log.debug("claimed", chunk_id=chunk_id, campaign=held.campaign, jobs=len(held.jobs), orphaned=orphaned)
    _issue(parts, held)
    parts.nudge.give_seldom()
    return len(held.jobs)


def _unlock(parts: Parts, held: Claim) -> None:
    """Free the customers of jobs that are to be released one by one: the dead child has left them locked."""
    if held.isolated:
        fingerprints = [customer.fingerprint for customer in held.isolated]
        with suppress(LimitsUnavailable):  # the locks lapse by themselves
            parts.start(parts.shared.locks.release(held.chunk_id, fingerprints)).result()


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
    try:
        for group in gather_groups(results, len(held.jobs)):
            _record(parts, held, group)
    except BaseException:
        _end_early(issuing, done)
        raise
    done.result()


def _end_early(issuing: ChunkIssuing, done: "Future[None]") -> None:
    """What cannot be recorded must not be sent either; calls under way end before the next chunk begins."""
    issuing.break_off()
    done.exception()


def _bounds(parts: Parts) -> Bounds:
    settings = parts.settings
    return Bounds(
        policy=settings.retry_policy,
        start_within_seconds=settings.call_window_seconds,
        lease_seconds=settings.lease_seconds,
        max_concurrent=settings.api_max_concurrent,
        call_seconds=settings.api_timeout_seconds,
    )


def _record(parts: Parts, held: Claim, group: list[Result]) -> None:
    """Record a group, however long the ledger is away: replies in hand are worth waiting for.

    Past the lease the jobs are others' to take over, and resending is safe: then this gives up.
    """
    try:
        letters = insist(
            lambda: record(parts.ledger, held.chunk_id, group, worker=parts.worker),
            for_seconds=parts.settings.lease_seconds,
        )
    except DBAPIError as error:
        if not is_refusal(error):
            raise
        _record_apart(parts, held, group, error)
        return
    with lines_together():
        for result in group:
            tell_result(held, result)
    if any(is_undocumented(result) for result in group):
        parts.undocumented.tell(group)
    if letters:
        publish_notices(parts.app, parts.ledger, job_numbers=[result.job.number for result in group])


def _record_apart(parts: Parts, held: Claim, group: list[Result], error: DBAPIError) -> None:
    """Record a refused group one by one, so that only the result that is refused is left to its lease."""
    if len(group) > 1:
        for result in group:
            _record(parts, held, [result])
        return
    log.error("result refused", error=first_line(error), request_id=group[0].job.id, chunk_id=held.chunk_id)
