"""Handles one chunk in a worker child: claims it, issues it and hands it over."""

from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

import structlog

from issuance.chunk_message import ChunkMessage
from ledger.dispatch.claimed_jobs import Claim
from ledger.dispatch.claims import claim
from limiter.unavailable import LimitsUnavailable
from worker.accounts import AccountServices
from worker.chunk.bounds import Bounds
from worker.chunk.chunk_result import ChunkResult
from worker.chunk.issuer import ChunkIssuing
from worker.chunk.job_spans import call_context
from worker.chunk.open_chunk import OpenChunk
from worker.ledger_retry import retry_until
from worker.services import WorkerServices
from worker.stopping import is_stopping

log = structlog.get_logger("issuance.worker")


def handle_chunk(
    services: WorkerServices,
    message: ChunkMessage,
    *,
    redelivered: bool,
    show_end: Callable[[ChunkResult], None] = lambda _: None,
) -> ChunkResult:
    """Issue a chunk's jobs; returns how many were claimed, and what is recorded of them.

    When it returns, each job is settled in the ledger or given back to it (design rule 6), except a
    few whose calls are still open: those keep their lease and are recorded when they end. A job
    whose handling failed waits for its lease to lapse, and so do all jobs while the ledger is
    unavailable.

    Args:
        services: this process's services.
        message: the chunk's, with the release's mark.
        redelivered: whether the broker delivers the message again.
        show_end: called with the final result if calls are still open when this returns.

    Raises:
        DBAPIError: the ledger was unavailable for longer than the lease, or while the worker stops.
        SecretError: the ledger has another secret than this process; nothing was claimed.
    """
    # A wrong setting must show before the claim, or it would count as a lost worker.
    services.prepare()
    chunk_id, lease_seconds = message.chunk_id, services.settings.lease_seconds
    orphaned = redelivered and services.orphans.take(chunk_id)
    accounts = services.accounts.known()

    def claim_chunk() -> Claim:
        with services.ledger_turn:
            _ = services.fingerprints  # read here, where an unavailable ledger is asked again
            return claim(
                services.ledger,
                message,
                lease_seconds=lease_seconds,
                orphaned=orphaned,
                accounts=accounts.keys(),
            )

    held = retry_until(claim_chunk, for_seconds=lease_seconds, give_up=is_stopping)
    if held.campaign and held.account not in accounts:
        # Given back: the jobs wait until the account is there again.
        log.warning("account_unknown", account=held.account, campaign=held.campaign)
        return ChunkResult()
    if held.isolated:
        _unlock(services, services.accounts.of(accounts[held.account]), held)
    if not held.jobs:
        jobs = len(message.job_numbers)
        log.info("chunk_empty", chunk_id=chunk_id, jobs=jobs, redelivered=redelivered)
        return ChunkResult()
    log.debug(
        "chunk_claimed",
        chunk_id=chunk_id,
        campaign=held.campaign,
        account=held.account,
        jobs=len(held.jobs),
        orphaned=orphaned,
    )
    result = _issue(
        services,
        services.accounts.of(accounts[held.account]),
        held,
        eager=len(accounts) > 1,
        show_end=show_end,
    )
    services.wake_up.request_debounced()
    return result


def _unlock(services: WorkerServices, account: AccountServices, held: Claim) -> None:
    """Unlock the customers of isolated jobs: a dead child left them locked."""
    fingerprints = [services.fingerprints.of(customer) for customer in held.isolated]
    with suppress(LimitsUnavailable):  # the locks expire
        services.start(account.limits.locks.release(held.chunk_id, fingerprints)).result()


def _issue(
    services: WorkerServices,
    account: AccountServices,
    held: Claim,
    *,
    eager: bool,
    show_end: Callable[[ChunkResult], None],
) -> ChunkResult:
    """Issue until the chunk is handed over; an exception in between ends its calls."""
    chunk = OpenChunk(held, services.recorder.put, services.carry, services.fault_watch.is_urgent)
    issuing = ChunkIssuing(
        held,
        account.client,
        account.limits,
        _bounds(services, account),
        account.places,
        fingerprints=services.fingerprints,
        is_stopping=is_stopping,
        eager=eager,
        put=chunk.add,
        hand_over=chunk.hand_over,
        rng=services.rng,
        traceparent_of=(
            call_context(held.chunk_id, services.base.tracing)
            if services.settings.api_traceparent
            else None
        ),
    )
    chunk.break_off = issuing.break_off
    chunk.show_end = show_end
    services.recorder.begin(chunk)
    services.accounts.begin(account)
    try:
        done = services.start(issuing.run())
        done.add_done_callback(chunk.end)
        done.add_done_callback(lambda _: services.accounts.end(account))
        chunk.handed_over.wait()
    except BaseException:  # the process ends: `WorkerServices.finish` waits for the calls
        issuing.break_off()
        raise
    if chunk.error is not None:
        done.exception()  # open calls end before the next chunk begins
        raise chunk.error
    if done.done():
        done.result()
    return chunk.leave()


def _bounds(services: WorkerServices, account: AccountServices) -> Bounds:
    settings = services.settings
    return Bounds(
        policy=settings.retry_policy,
        start_within_seconds=settings.call_window_seconds,
        lease_seconds=settings.lease_seconds,
        call_seconds=settings.api_timeout_seconds,
        zone=ZoneInfo(account.account.time_zone),
    )
