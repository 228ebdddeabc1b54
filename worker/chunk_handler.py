"""The way of one chunk through a worker child: claim it, issue it, and hand it over."""

from collections.abc import Sequence
from contextlib import suppress

import structlog

from ledger.dispatch.claims import Claim, claim
from limiter.unavailable import LimitsUnavailable
from worker.chunk.bounds import Bounds
from worker.chunk.issuer import ChunkIssuing
from worker.chunk.open_chunk import OpenChunk
from worker.ledger_retry import retry_until
from worker.services import WorkerServices
from worker.stopping import is_stopping

log = structlog.get_logger("issuance.worker")


def handle_chunk(
    services: WorkerServices, chunk_id: str, job_numbers: Sequence[int], *, redelivered: bool
) -> int:
    """Issue a chunk's jobs; returns how many were claimed.

    When it returns, each of them is settled in the ledger or given back to it (design rule 6),
    except a few whose calls are still open: those keep their lease, and are recorded when they end.
    A job whose handling broke is left to its lease, and so are all when the ledger stays away.

    Raises:
        DBAPIError: the ledger was away for longer than the lease, or while the worker is told to
            stop.
    """
    # whatever is missing must show before the claim, or it would look like a dying worker
    services.prepare()
    lease_seconds = services.settings.lease_seconds
    orphaned = redelivered and services.orphans.take(chunk_id)

    def claim_chunk() -> Claim:
        with services.ledger_turn:
            return claim(
                services.ledger,
                chunk_id,
                job_numbers,
                lease_seconds=lease_seconds,
                orphaned=orphaned,
            )

    # nothing is claimed yet
    held = retry_until(claim_chunk, for_seconds=lease_seconds, give_up=is_stopping)
    _unlock(services, held)
    if not held.jobs:
        log.info("chunk_empty", chunk_id=chunk_id, jobs=len(job_numbers), redelivered=redelivered)
        return 0
    log.debug(
        "chunk_claimed",
        chunk_id=chunk_id,
        campaign=held.campaign,
        jobs=len(held.jobs),
        orphaned=orphaned,
    )
    _issue(services, held)
    services.wake_up.request_debounced()
    return len(held.jobs)


def _unlock(services: WorkerServices, held: Claim) -> None:
    """Free the customers of jobs that are to be released one by one: a dead child left them locked."""
    if held.isolated:
        fingerprints = [customer.fingerprint for customer in held.isolated]
        with suppress(LimitsUnavailable):  # the locks lapse by themselves
            services.start(services.limits.locks.release(held.chunk_id, fingerprints)).result()


def _issue(services: WorkerServices, held: Claim) -> None:
    """Issue until the chunk is handed over; whatever ends the wait early also ends its calls."""
    chunk = OpenChunk(held, services.recorder.put, services.carry)
    issuing = ChunkIssuing(
        held,
        services.client,
        services.limits,
        _bounds(services),
        services.places,
        is_stopping=is_stopping,
        put=chunk.add,
        hand_over=chunk.hand_over,
        rng=services.rng,
    )
    chunk.break_off = issuing.break_off
    services.recorder.begin(chunk)
    done = services.start(issuing.run())
    done.add_done_callback(chunk.end)
    try:
        chunk.handed_over.wait()
    except (
        BaseException
    ):  # this process is told to end: `WorkerServices.finish` waits for the calls
        issuing.break_off()
        raise
    if chunk.error is not None:
        done.exception()  # calls under way end before the next chunk begins
        raise chunk.error
    if done.done():
        done.result()


def _bounds(services: WorkerServices) -> Bounds:
    settings = services.settings
    return Bounds(
        policy=settings.retry_policy,
        start_within_seconds=settings.call_window_seconds,
        lease_seconds=settings.lease_seconds,
        call_seconds=settings.api_timeout_seconds,
    )
