"""Releasing: due jobs become chunks on the broker, and what was lost on the way comes back."""

import math

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, publish
from broker.queues import ISSUE_TASK, LANE_QUEUES
from issuance.job import Lane
from ledger.campaigns import halted_campaigns
from ledger.dispatch.cancellation import settle_cancelled
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import Chunk, release, unqueue
from ledger.queries.counters import compact_counters
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.queries.stalls import leased, recent_call_seconds
from limiter.state import Availability, LimitState
from limiter.unavailable import LimitsUnavailable
from worker.broker_loss import release_lost_messages
from worker.ledger_retry import first_line
from worker.lost_children import end_lost_claims
from worker.outbox import publish_notices
from worker.services import WorkerServices

log = structlog.get_logger("issuance.release")

_WINDOW_SECONDS = 5.0
"""A campaign that joins others waits for what is queued before it; a release comes at least each second."""
_CHUNK_SECONDS = 5.0
_SHARED_IN_HAND_SECONDS = 0.5
_CHUNK_OVERHEAD_SECONDS = 0.25
_LIKELY_CALL_SECONDS = 0.5
_BACKGROUND_CHUNK_MOST = 50
_NOTICE_AFTER_SECONDS = 5.0
"""Before that whoever opened the letter is publishing its notice."""


def run_release(services: WorkerServices, *, by_beat: bool = False) -> int:
    """Do one round; returns how many jobs were put on the broker.

    Rounds may run at the same time, in any number of processes: none hands a job out twice. What is
    away now (ledger, Redis, broker) is left to the next round.

    Args:
        services: this process's.
        by_beat: beat asked for it, rather than a wake_up: then beat is alive too.
    """
    services.wake_up.acknowledge()
    try:
        settle_cancelled(services.ledger)
        end_lost_claims(services)
        reap(services.ledger)
        released = _release_due(services)
        compact_counters(services.ledger)
        touch(
            services.ledger,
            *((Heartbeat.RELEASE, Heartbeat.BEAT) if by_beat else (Heartbeat.RELEASE,)),
        )
    except DBAPIError as error:
        log.warning("ledger_unavailable", error=first_line(error))
        return 0
    publish_notices(services.app, services.ledger, older_than_seconds=_NOTICE_AFTER_SECONDS)
    return released


def _release_due(services: WorkerServices) -> int:
    try:
        release_lost_messages(services.ledger, services.broker)
        _reconcile_paused(services)
        limits = services.sync_limiter.state()
    except LimitsUnavailable as error:
        log.warning("limits_unavailable", error=str(error))
        return 0
    shared_chunk_size = size_shared_chunk(
        limits, workers=services.settings.workers, took_seconds=recent_call_seconds(services.ledger)
    )
    newest_probes = next(services.probe_turns)
    released = _release_lane(
        services, Lane.BACKGROUND, limits, shared_chunk_size, newest_probes=newest_probes
    )
    # With few calls to be had, a blast gets what background requests leave.
    lease_seconds = services.settings.lease_seconds
    taken = (
        leased(services.ledger, Lane.BACKGROUND, lease_seconds=lease_seconds)
        if limits.is_held_back
        else 0
    )
    return released + _release_lane(
        services, Lane.BLAST, limits, shared_chunk_size, newest_probes=newest_probes, taken=taken
    )


def _reconcile_paused(services: WorkerServices) -> None:
    """Make the paused campaigns in Redis those of the ledger: Redis may have been emptied, or served another ledger.

    Redis is asked first: a campaign that is paused meanwhile is then not taken for one that runs
        again.
    """
    limiter = services.sync_limiter
    known = limiter.paused()
    wanted = halted_campaigns(services.ledger)
    for campaign_id in wanted - known:
        limiter.pause(campaign_id)
    for campaign_id in known - wanted:
        limiter.unpause(campaign_id)
    if known != wanted:
        log.info(
            "paused_campaigns_reconciled", paused=len(wanted - known), unpaused=len(known - wanted)
        )


def _release_lane(
    services: WorkerServices,
    lane: Lane,
    limits: LimitState,
    shared_chunk_size: float,
    *,
    newest_probes: bool,
    taken: int = 0,
) -> int:
    settings = services.settings
    is_probing = limits.account.availability is Availability.PROBING
    window, chunk_size = size_window(
        limits,
        lane,
        workers=settings.workers,
        window_most=settings.window_jobs,
        chunk_most=settings.chunk_max_jobs,
    )
    window -= taken
    if window <= 0:
        return 0
    chunks = release(
        services.ledger,
        lane,
        services.schedulers[lane],
        window=window,
        chunk_size=chunk_size,
        shared_chunk_size=shared_chunk_size,
        lost_after_seconds=settings.lease_seconds,
        is_probed=lambda campaign_id: is_probing or campaign_id in limits.campaigns,
        newest_probes=newest_probes,
    )
    return _publish(services, chunks)


def size_window(
    limits: LimitState, lane: Lane, *, workers: int, window_most: int, chunk_most: int
) -> tuple[int, int]:
    """Say how many jobs may be queued and how many make a chunk: seconds of work at the calls that are allowed.

    While the account is suspended nothing is released; while it is probed, single jobs are.
    """
    match limits.account.availability:
        case Availability.SUSPENDED:
            return 0, 1
        case Availability.PROBING:
            return workers, 1
        case Availability.AVAILABLE:
            pass
    per_second = _per_second(limits)
    most = chunk_most if lane is Lane.BLAST else min(chunk_most, _BACKGROUND_CHUNK_MOST)
    window = max(workers, min(window_most, per_second * _WINDOW_SECONDS))
    chunk_size = max(1.0, min(most, per_second * _CHUNK_SECONDS / workers))
    return int(window), int(chunk_size)


def size_shared_chunk(limits: LimitState, *, workers: int, took_seconds: float | None) -> float:
    """Say how many jobs make a chunk, on average, while several campaigns have work: their turns must be short.

    All children together hold half a second's work then, in which campaigns take turns; with a slow
    API they hold more, because calls that wait for their answers must not keep the next ones from
    starting.

    Args:
        limits: the account's.
        workers: how many children there are.
        took_seconds: how long a call takes these days; None: not known yet.
    """
    took_seconds = _LIKELY_CALL_SECONDS if took_seconds is None else took_seconds
    in_hand = min(
        _CHUNK_SECONDS, max(_SHARED_IN_HAND_SECONDS, 1.25 * took_seconds + _CHUNK_OVERHEAD_SECONDS)
    )
    return _per_second(limits) * in_hand / workers


def _per_second(limits: LimitState) -> float:
    return limits.allowed_per_minute / 60 if limits.allowed_per_minute else math.inf


def _publish(services: WorkerServices, chunks: list[Chunk]) -> int:
    published = 0
    for place, chunk in enumerate(chunks):
        try:
            _send(services.app, chunk)
        except BrokerAway as error:
            log.warning("broker_unavailable", error=str(error), chunks=len(chunks) - place)
            unqueue(services.ledger, chunks[place:])
            break
        published += len(chunk.job_numbers)
        log.debug(
            "chunk_released",
            chunk_id=chunk.id,
            campaign=chunk.campaign,
            jobs=len(chunk.job_numbers),
        )
    return published


def _send(app: Celery, chunk: Chunk) -> None:
    count = len(chunk.job_numbers)
    jobs = "1 job" if count == 1 else f"{count} jobs"
    publish(
        app,
        ISSUE_TASK,
        args=[list(chunk.job_numbers)],
        task_id=chunk.id,
        queue=LANE_QUEUES[chunk.lane],
        # What Flower shows and searches: campaign, size and requestIds; no personal data (design
        # rule 5).
        argsrepr=f"{chunk.campaign} · {jobs} · {' '.join(chunk.request_ids)}",
        kwargsrepr="{}",
    )
