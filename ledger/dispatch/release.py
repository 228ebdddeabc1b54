"""Release: queues due jobs for the broker, shared among campaigns by weight, up to the window."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from issuance.chunk_message import ChunkMessage
from issuance.fair_queue import Contender, FairScheduler, size_chunk
from issuance.job import Lane
from issuance.states import State
from ledger.budgets.stops import stop_used_up
from ledger.campaigns import finish_campaigns
from ledger.dispatch.backlog import (
    Outstanding,
    Queued,
    Waiting,
    count_claimed,
    due_jobs,
    queued_campaigns,
    waiting_campaigns,
)
from ledger.dispatch.claims import ISOLATED_FROM
from ledger.dispatch.rates import note_queued, within_rates
from ledger.dispatch.removal import hold_or_settle
from ledger.dispatch.reservations import Reservations
from ledger.stop_loss.held import choose_unheld
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import Lock
from ledger.store.schema import IS_LEASED, jobs, lines


@dataclass(frozen=True, slots=True)
class Chunk:
    """The jobs of one Celery message."""

    id: str
    campaign: str
    campaign_id: int
    lane: Lane
    job_numbers: tuple[int, ...]
    request_ids: tuple[str, ...]
    """Of every line, for searches; if each job has one line, these are the jobs' ids."""

    @property
    def message(self) -> ChunkMessage:
        """What its message says."""
        return ChunkMessage(self.id, self.campaign_id, self.lane, self.job_numbers)


def release(
    ledger: Ledger,
    lane: Lane,
    scheduler: FairScheduler,
    *,
    window: int,
    chunk_size: int,
    shared_chunk_size: float = math.inf,
    lost_after_seconds: float,
    is_probed: Callable[[int], bool] = lambda _: False,
    newest_probes: bool = False,
    accounts: Collection[str] | None = None,
    outstanding: Outstanding | None = None,
) -> list[Chunk]:
    """Queue due jobs of running campaigns; returns their chunks in the order of publishing.

    Campaigns share by weight (`issuance.fair_queue`). Of a cancelled campaign only jobs to be
    reconciled are released.

    Args:
        ledger: the record.
        lane: the lane of the jobs.
        scheduler: the lane's scheduler; the same object for all releases of a process.
        window: the largest number of queued jobs in this lane.
        chunk_size: the largest number of jobs in a chunk; a job that has lost two workers gets a
            chunk of its own.
        shared_chunk_size: a chunk's mean size while several campaigns have work in this lane.
        lost_after_seconds: a queued job that is not claimed for this long counts as lost.
        is_probed: whether a campaign, by id, is suspended: only one of its jobs is queued at a
            time, as a probe.
        newest_probes: probe with the job that became due last, which has mostly failed before.
        accounts: only campaigns of these API accounts; None: of all. The window and the scheduler
            are theirs.
        outstanding: bounds the jobs that are queued or claimed; None: only the window bounds them.
    """
    with ledger.write() as connection:
        # Two releases at once would fill the window twice.
        ledger.dialect.lock(connection, Lock.RELEASE)
        queued = queued_campaigns(connection, lane, accounts)
        on_broker = sum(each.count for each in queued)
        free = window - on_broker
        if outstanding is not None:
            claimed = count_claimed(connection, lane, accounts, outstanding.left_over_seconds)
            free = min(free, _room(outstanding, on_broker + claimed))
        # Count one chunk more than fits, to know which chunk does not fit whole.
        found = (
            waiting_campaigns(connection, lane, most=free + chunk_size, accounts=accounts)
            if free > 0
            else []
        )
        reservations = Reservations()
        probing = [*_one_probe_at_a_time(found, queued, is_probed)]
        waiting = reservations.admit(connection, lane, within_rates(connection, probing, queued))
        weights = {each.id: each.weight for each in queued} | {
            each.id: each.weight for each in waiting
        }
        size = partial(
            size_chunk,
            weights=[*weights.values()],
            window=window,
            most=chunk_size,
            shared=shared_chunk_size,
        )
        contenders = [
            Contender(each.id, each.weight, each.count, size(each.weight)) for each in waiting
        ]
        given = scheduler.take(free, contenders, may_cut=not queued)
        chunks: dict[int, Iterator[Chunk]] = {}
        for each in waiting:
            sizes = [turn.size for turn in given if turn.key == each.id]
            newest_first = newest_probes and is_probed(each.id)
            choose = partial(
                _choose_due, connection, due_jobs(lane, each), newest_first=newest_first
            )
            if each.stopped:
                holding = partial(hold_or_settle, connection, each.id, stopped=each.stopped)
                chosen = choose_unheld(choose, holding, sum(sizes))
            else:
                chosen = choose(sum(sizes))
            reserved = reservations.reserve(connection, each, [row[0] for row in chosen])
            chosen = [row for row in chosen if row[0] in reserved]
            cut = _chunks(connection, lane, each, chosen, sizes)
            _queue(connection, cut, lost_after_seconds)
            note_queued(connection, each, sum(len(chunk.job_numbers) for chunk in cut))
            chunks[each.id] = iter(cut)
        if not waiting:
            finish_campaigns(connection)
        stop_used_up(connection, reservations.used_up)
    in_turn = [chunk for turn in given for chunk in islice(chunks[turn.key], 1)]
    return in_turn + [chunk for left in chunks.values() for chunk in left]


def _room(outstanding: Outstanding, count: int) -> int:
    free = outstanding.most - count
    return free if free >= outstanding.least or count == 0 else 0


def _one_probe_at_a_time(
    waiting: Iterable[Waiting], queued: Iterable[Queued], is_probed: Callable[[int], bool]
) -> Iterator[Waiting]:
    with_queued = {each.id for each in queued}
    for each in waiting:
        if not is_probed(each.id):
            yield each
        elif each.id not in with_queued:
            yield replace(each, count=1)


def unqueue(ledger: Ledger, chunks: list[Chunk], *, delay_seconds: float = 0.0) -> None:
    """Take back chunks that could not be published.

    Args:
        ledger: the record.
        chunks: their jobs stay due, or are due again after the delay.
        delay_seconds: until then other jobs go first.
    """
    numbers = [number for chunk in chunks for number in chunk.job_numbers]
    chunk_ids = [chunk.id for chunk in chunks]
    delay = {"delay_ms": int(delay_seconds * 1000)} if delay_seconds else {}
    with ledger.write() as connection:
        for start in range(0, len(numbers), _BATCH):
            connection.execute(
                _POSTPONE if delay else _UNQUEUE,
                {
                    "job_numbers": numbers[start : start + _BATCH],
                    "chunk_ids": chunk_ids,
                    **delay,
                },
            )


def unqueue_all(ledger: Ledger) -> int:
    """Take back all queued jobs after the broker has lost its messages; returns how many."""
    with ledger.write() as connection:
        return connection.execute(_UNQUEUE_ALL).rowcount


_BATCH = 500
_TAKE_BACK = (
    update(jobs).where(jobs.c.state == State.QUEUED).values(state=State.WAITING, lease_until=None)
)
_UNQUEUE_ALL = _TAKE_BACK.where(IS_LEASED)
# The message of an unpublished chunk may be there: its jobs may be in another chunk already.
_UNQUEUE = _TAKE_BACK.where(
    jobs.c.number.in_(bindparam("job_numbers", expanding=True)),
    jobs.c.chunk_id.in_(bindparam("chunk_ids", expanding=True)),
)
_POSTPONE = _UNQUEUE.values(due_at=now_ms() + bindparam("delay_ms"))
_QUEUE = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("job_numbers", expanding=True)))
    .values(state=State.QUEUED, lease_until=now_ms() + bindparam("lease_ms"))
    .values(chunk_id=bindparam("chunk_id"))
)


def _choose_due(
    connection: Connection, due: ColumnElement[bool], limit: int, *, newest_first: bool
) -> list[tuple[int, str, int, int]]:
    """Choose due jobs and lock their rows; returns number, id, open lines and claims of each."""
    if limit == 0:
        return []
    order = (
        (jobs.c.due_at.desc(), jobs.c.number.desc())
        if newest_first
        else (jobs.c.due_at, jobs.c.number)
    )
    query = (
        select(jobs.c.number, jobs.c.id, jobs.c.open_lines, jobs.c.claims)
        .where(due)
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return sorted(map(tuple, connection.execute(query)))


def _queue(connection: Connection, chunks: list[Chunk], lost_after_seconds: float) -> None:
    """Queue each chunk's jobs under its id: only its own message can claim them."""
    lease_ms = milliseconds(lost_after_seconds)
    for chunk in chunks:
        values = {"chunk_id": chunk.id, "lease_ms": lease_ms}
        connection.execute(_QUEUE, {"job_numbers": chunk.job_numbers, **values})


def _chunks(
    connection: Connection,
    lane: Lane,
    campaign: Waiting,
    chosen: list[tuple[int, str, int, int]],
    sizes: Iterable[int],
) -> list[Chunk]:
    whole = iter([row for row in chosen if row[3] < ISOLATED_FROM])
    # There are fewer jobs than the sizes add up to if some were locked or get their own chunk.
    groups = [group for size in sizes if (group := list(islice(whole, size)))]
    groups += [[row] for row in chosen if row[3] >= ISOLATED_FROM]
    return [
        Chunk(
            id=str(uuid4()),
            campaign=campaign.name,
            campaign_id=campaign.id,
            lane=lane,
            job_numbers=tuple(number for number, *_ in group),
            request_ids=_request_ids(connection, group),
        )
        for group in groups
    ]


def _request_ids(connection: Connection, group: list[tuple[int, str, int, int]]) -> tuple[str, ...]:
    if all(open_lines == 1 for _, _, open_lines, _ in group):
        return tuple(job_id for _, job_id, *_ in group)
    numbers = [number for number, *_ in group]
    query = select(lines.c.request_id).where(lines.c.job_number.in_(numbers))
    return tuple(connection.scalars(query.order_by(lines.c.job_number, lines.c.position)))
