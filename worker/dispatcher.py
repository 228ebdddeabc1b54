"""Releases due jobs as chunks on the broker, and takes back what was lost on the way."""

import math

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, PublishRefused, publish
from broker.queues import ISSUE_TASK, LANE_QUEUES
from broker.refusals import note_refusal
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
from worker.outbox import publish_dead_letters
from worker.services import WorkerServices

log = structlog.get_logger("issuance.release")

_WINDOW_SECONDS = 5.0
"""Seconds of work that may be queued. A new campaign waits for what is queued before it."""
_CHUNK_SECONDS = 5.0
_SHARED_IN_HAND_SECONDS = 0.5
_CHUNK_OVERHEAD_SECONDS = 0.25
_LIKELY_CALL_SECONDS = 0.5
_BACKGROUND_CHUNK_MOST = 50
_REFUSED_SECONDS = 30.0
"""Until a chunk that the broker refused is tried again; other jobs go first."""
_SHOWN_IDS = 10
_SHOWN_CAMPAIGN = 100
_PUBLISH_AFTER_SECONDS = 5.0
"""Until then the worker that opened the dead letter publishes it."""


def run_release(services: WorkerServices, *, by_beat: bool = False) -> int:
    """Run one round; return how many jobs were put on the broker.

    Rounds may run at the same time in any number of processes: no job is released twice. A round
    skips what needs an unavailable ledger, Redis or broker; the next round does it.

    Args:
        services: this process's services.
        by_beat: whether beat requested it; its heartbeat is recorded then.
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
    publish_dead_letters(services.app, services.ledger, older_than_seconds=_PUBLISH_AFTER_SECONDS)
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
    # While the rate is the bottleneck, a blast gets what background requests leave.
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
    """Copy the paused campaigns from the ledger to Redis, which may have lost them.

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
    """Return how many jobs may be queued, and how many make a chunk, at the allowed rate.

    While the account is suspended nothing is released, and while it is probed only single jobs.
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
    """Return a chunk's mean size while several campaigns have work.

    Chunks are then short, so that campaigns alternate: all children together hold half a second's
    work. With a slow API they hold more, since calls that wait for answers must not delay new ones.

    Args:
        limits: the account's limits.
        workers: the number of children.
        took_seconds: the recent duration of a call; None if unknown.
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
        except PublishRefused as error:
            log.error("chunk_refused", error=str(error), chunk_id=chunk.id, campaign=chunk.campaign)  # noqa: TRY400 - a traceback adds nothing
            note_refusal(services.limits_redis, str(error))
            unqueue(services.ledger, [chunk], delay_seconds=_REFUSED_SECONDS)
            continue
        published += len(chunk.job_numbers)
        log.debug(
            "chunk_released",
            chunk_id=chunk.id,
            campaign=chunk.campaign,
            jobs=len(chunk.job_numbers),
        )
    return published


def _send(app: Celery, chunk: Chunk) -> None:
    publish(
        app,
        ISSUE_TASK,
        args=[list(chunk.job_numbers)],
        task_id=chunk.id,
        queue=LANE_QUEUES[chunk.lane],
        argsrepr=describe_chunk(chunk),
        kwargsrepr="{}",
    )


def describe_chunk(chunk: Chunk) -> str:
    """Describe a chunk in Flower: its campaign, its size and its first requestIds.

    The text is bounded, because Flower keeps it for each chunk, and because on RabbitMQ it must fit
    into one frame. It holds no personal data (design rule 5).
    """
    count, left = len(chunk.job_numbers), len(chunk.request_ids) - _SHOWN_IDS
    jobs = "1 job" if count == 1 else f"{count} jobs"
    shown = [*chunk.request_ids[:_SHOWN_IDS], *([f"and {left} more"] if left > 0 else [])]
    return f"{shorten(chunk.campaign, _SHOWN_CAMPAIGN)} · {jobs} · {' '.join(shown)}"


def shorten(text: str, most: int) -> str:
    """Cut a text that is longer than this."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
