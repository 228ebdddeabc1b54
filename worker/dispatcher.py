"""Releases due jobs as chunks on the broker, and takes back what was lost on the way."""

from collections.abc import Iterable

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, PublishRefused, publish
from broker.queues import ISSUE_TASK, LANE_QUEUES
from broker.refusals import note_refusal
from issuance.fair_queue import share_window
from issuance.job import Lane
from ledger.budgets.notices import note_levels
from ledger.dead_letters.rounds import advance_actions
from ledger.dispatch.cancellation import settle_cancelled
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import Chunk, release, unqueue
from ledger.dispatch.removal import keep_stopped
from ledger.dispatch.start import start_scheduled
from ledger.queries.campaign_accounts import halted_campaigns, working_accounts
from ledger.queries.counters import compact_counters
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.queries.stalls import leased, recent_call_seconds
from ledger.stop_loss.canary import try_canaries
from limiter.campaign_ids import Halted
from limiter.state import Availability
from limiter.sync_limiter import SyncLimiter
from limiter.unavailable import LimitsUnavailable
from worker.account_groups import AccountGroup, group_accounts, spread
from worker.broker_loss import release_lost_messages
from worker.chunk_messages import chunk_key
from worker.ledger_retry import first_line
from worker.lost_children import end_lost_claims
from worker.services import WorkerServices
from worker.windows import bound_outstanding, size_shared_chunk, size_window

log = structlog.get_logger("issuance.release")

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
        chunk_key(services.ledger)  # before jobs are queued: without it they cannot be published
        settle_cancelled(services.ledger)
        start_scheduled(services.ledger)
        end_lost_claims(services)
        reap(services.ledger)
        advance_actions(services.ledger)
        released = _release_due(services)
        note_levels(services.ledger)
        compact_counters(services.ledger)
        touch(
            services.ledger,
            *((Heartbeat.RELEASE, Heartbeat.BEAT) if by_beat else (Heartbeat.RELEASE,)),
        )
    except DBAPIError as error:
        log.warning("ledger_unavailable", error=first_line(error))
        return 0
    services.outbox.publish_left(older_than_seconds=_PUBLISH_AFTER_SECONDS)
    services.outbox.publish_budgets()
    services.retention.prune_a_little()
    return released


def _release_due(services: WorkerServices) -> int:
    known = services.accounts.known()
    several = len(known) > 1
    try:
        release_lost_messages(services.ledger, services.broker)
        groups = group_accounts(known)
        services.limit_samples.take(
            (services.sync_limiter(group.account), group.names) for group in groups
        )
        keep_stopped(services.ledger)
        try_canaries(services.ledger)
        _reconcile_paused(services, groups)
        working = working_accounts(services.ledger)
        groups = [group for group in groups if not working.isdisjoint(group.names)]
        for group in groups:
            group.limits = services.sync_limiter(group.account).state()
    except LimitsUnavailable as error:
        log.warning("limits_unavailable", error=str(error))
        return 0
    _report_unknown(services, working - known.keys())
    took_seconds = None if several else recent_call_seconds(services.ledger)
    for group in groups:
        group.shared_chunk_size = size_shared_chunk(
            group.limits,
            workers=services.settings.workers,
            took_seconds=group.limits.call_seconds if several else took_seconds,
        )
    newest_probes = next(services.probe_turns)
    return sum(
        _release_lane(services, lane, groups, newest_probes=newest_probes, several=several)
        for lane in (Lane.BACKGROUND, Lane.BLAST)
    )


def _report_unknown(services: WorkerServices, unknown: frozenset[str]) -> None:
    if unknown != services.unknown_accounts:
        services.unknown_accounts = unknown
        if unknown:
            log.warning("accounts_unknown", accounts=sorted(unknown))


def _reconcile_paused(services: WorkerServices, groups: Iterable[AccountGroup]) -> None:
    """Copy the paused campaigns from the ledger to Redis, which may have lost them.

    Redis is asked first: a campaign that is paused meanwhile is then not taken for one that runs
        again.
    """
    limiters = [services.sync_limiter(group.account) for group in groups]
    known = [limiter.paused() for limiter in limiters]
    halted = halted_campaigns(services.ledger)
    for group, limiter, paused in zip(groups, limiters, known, strict=True):
        wanted = frozenset[Halted]().union(*(halted.get(name, ()) for name in group.names))
        _copy_paused(limiter, paused, wanted)


def _copy_paused(limiter: SyncLimiter, known: frozenset[Halted], wanted: frozenset[Halted]) -> None:
    for halted in wanted - known:
        limiter.pause(halted)
    for halted in known - wanted:
        limiter.unpause(halted)
    if known != wanted:
        log.info(
            "paused_campaigns_reconciled", paused=len(wanted - known), unpaused=len(known - wanted)
        )


def _release_lane(
    services: WorkerServices,
    lane: Lane,
    groups: list[AccountGroup],
    *,
    newest_probes: bool,
    several: bool,
) -> int:
    settings = services.settings
    sizes = [
        size_window(
            group.limits,
            lane,
            workers=settings.workers,
            window_most=settings.window_jobs,
            chunk_most=settings.chunk_max_jobs,
        )
        for group in groups
    ]
    windows = share_window(settings.window_jobs, [window for window, _ in sizes])
    released = [
        _release_account(
            services,
            lane,
            group,
            window - _taken(services, lane, group),
            chunk_size,
            newest_probes=newest_probes,
            several=several,
        )
        for group, window, (_, chunk_size) in zip(groups, windows, sizes, strict=True)
    ]
    return _publish(services, spread(released))


def _taken(services: WorkerServices, lane: Lane, group: AccountGroup) -> int:
    """While the rate is the bottleneck, a blast gets what background requests leave."""
    if lane is Lane.BACKGROUND or not group.limits.is_held_back:
        return 0
    lease_seconds = services.settings.lease_seconds
    return leased(
        services.ledger, Lane.BACKGROUND, lease_seconds=lease_seconds, accounts=group.names
    )


def _release_account(
    services: WorkerServices,
    lane: Lane,
    group: AccountGroup,
    window: int,
    chunk_size: int,
    *,
    newest_probes: bool,
    several: bool,
) -> list[Chunk]:
    if window <= 0:
        return []
    limits, lease_seconds = group.limits, services.settings.lease_seconds
    is_probing = limits.account.availability is Availability.PROBING
    outstanding = None
    if several:
        chunk_size = max(1, min(chunk_size, window // services.settings.workers))
        outstanding = bound_outstanding(
            limits, window=window, chunk_size=chunk_size, lease_seconds=lease_seconds
        )
    return release(
        services.ledger,
        lane,
        services.schedulers[lane, group.key],
        window=window,
        chunk_size=chunk_size,
        shared_chunk_size=group.shared_chunk_size,
        lost_after_seconds=lease_seconds,
        is_probed=lambda campaign_id: is_probing or campaign_id in limits.campaigns,
        newest_probes=newest_probes,
        accounts=group.names,
        outstanding=outstanding,
    )


def _publish(services: WorkerServices, chunks: list[Chunk]) -> int:
    published = 0
    for place, chunk in enumerate(chunks):
        try:
            _send(services.app, chunk, chunk_key(services.ledger))
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


def _send(app: Celery, chunk: Chunk, key: bytes) -> None:
    publish(
        app,
        ISSUE_TASK,
        args=chunk.message.arguments(key),
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
