"""Pruning: removes old settled jobs, and keeps their requestIds and the campaigns' counts."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
)

from issuance.derived_keys import Purpose
from issuance.endpoint import Variant
from issuance.states import SETTLED, DeadLetterState, State
from ledger.audit_log import LEDGER, SYSTEM, Operator, record_action
from ledger.limit_samples import prune_limits
from ledger.retention.letter_groups import prune_items
from ledger.retention.tombstones import PrunedLines, write_tombstones
from ledger.search_keys import remove_search_keys
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import (
    COUNTED_POINTS,
    COUNTED_UNITS,
    LINE_ORG,
    LINE_REWARD,
    attempts,
    campaigns,
    dead_letters,
    jobs,
    lines,
    pruned_lines,
    reservations,
)

_PAGE = 500
"""Jobs per transaction: few enough that workers hardly wait."""


StoredRow = Mapping[str, Any]
"""A row of one of the ledger's tables, by column."""


@dataclass(frozen=True, slots=True)
class PrunedJob:
    """A job that is being removed, with all its rows, for an archive. Holds personal data."""

    campaign: str
    job: StoredRow
    lines: list[StoredRow] = field(default_factory=list)
    attempts: list[StoredRow] = field(default_factory=list)
    letter: StoredRow | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The result of pruning one page of jobs."""

    jobs: int
    lines: int
    kept: int
    """Old enough, but with a dead letter that is still open or being redriven."""


Archive = Callable[[Sequence[PrunedJob]], None]
"""Archives jobs before they are removed; they must be on disk when it returns."""


def prune(
    ledger: Ledger,
    *,
    older_than_seconds: float,
    archive: Archive | None = None,
    dry_run: bool = False,
    page_jobs: int | None = None,
    operator: Operator = SYSTEM,
) -> Iterator[Page]:
    """Remove jobs that were settled at least this long ago, one page per transaction.

    Kept are unsettled jobs, jobs whose dead letter is open or being redriven, and the newest job
    and dead letter, from which numbers continue. A removed line leaves a tombstone and a count in
    its campaign's balance. Items of mass actions that ended as long ago,
    and limits of that time, are removed too. It is safe
    to stop after any page and run again.

    Args:
        ledger: the record.
        older_than_seconds: the least age since settlement, by the database's clock.
        archive: called with each page's jobs before they are removed; after a crash, maybe again
            with the same jobs.
        dry_run: only count.
        page_jobs: the largest number of jobs per transaction; None: 500.
        operator: recorded with the first page that removes jobs; `record_pruning` adds the counts.
    """
    begin: _Begin | None = partial(_record, operator, older_than_seconds)
    with ledger.read() as connection:
        cutoff = connection.scalar(select(now_ms() - milliseconds(older_than_seconds))) or 0
    if not dry_run:
        prune_items(ledger, cutoff)
        prune_limits(ledger, cutoff)
    page = _PAGE_OF if page_jobs is None else _PAGE_OF.limit(page_jobs)
    after = -1
    while True:
        with ledger.read() as connection:
            rows = list(connection.execute(page, {"after": after, "cutoff": cutoff}))
        # Numbers are in order of acceptance: after a page of young jobs there are no older ones.
        if not any(row.is_old for row in rows):
            return
        after = rows[-1].number
        numbers = [row.number for row in rows if row.is_prunable]
        if dry_run:
            removed, counted = len(numbers), sum(row.line_count for row in rows if row.is_prunable)
        else:
            removed, counted = (
                _remove(ledger, numbers, cutoff, archive, begin) if numbers else (0, 0)
            )
            begin = None if removed else begin
        yield Page(removed, counted, sum(1 for row in rows if row.is_kept))


def record_pruning(ledger: Ledger, operator: Operator, result: str) -> None:
    """Record the end of a pruning, and what was removed."""
    with ledger.write() as connection:
        record_action(connection, operator, verb="pruned", target=LEDGER, after=result)


_Begin = Callable[[Connection], None]


def _record(operator: Operator, older_than_seconds: float, connection: Connection) -> None:
    what = f"jobs settled more than {older_than_seconds / 86_400:g} days ago"
    record_action(connection, operator, verb="prune", target=LEDGER, before=what)


def compact(ledger: Ledger) -> None:
    """Make the space of removed rows free: on SQLite for the disk, on PostgreSQL for new rows."""
    ledger.dialect.compact(ledger.engine)


_IN_USE = (DeadLetterState.OPEN, DeadLetterState.REDRIVEN)
_CUTOFF = bindparam("cutoff", type_=jobs.c.settled_at.type)
_IS_SETTLED_LONG_AGO = and_(jobs.c.state.in_(SETTLED), jobs.c.settled_at < _CUTOFF)
_IS_DEALT_WITH = or_(
    dead_letters.c.id.is_(None),
    and_(
        or_(
            dead_letters.c.state.in_((DeadLetterState.CLOSED, DeadLetterState.DISCARDED)),
            dead_letters.c.reissued_as.is_not(None),
        ),
        dead_letters.c.state != DeadLetterState.OPEN,
        dead_letters.c.id < select(func.max(dead_letters.c.id)).scalar_subquery(),
    ),
)
_IS_PRUNABLE: ColumnElement[bool] = and_(
    _IS_SETTLED_LONG_AGO,
    _IS_DEALT_WITH,
    jobs.c.number < select(func.max(jobs.c.number)).scalar_subquery(),
)
_WITH_LETTERS = jobs.outerjoin(dead_letters, dead_letters.c.job_number == jobs.c.number)
_PAGE_OF = (
    select(
        jobs.c.number,
        (jobs.c.accepted_at < _CUTOFF).label("is_old"),
        _IS_PRUNABLE.label("is_prunable"),
        and_(_IS_SETTLED_LONG_AGO, dead_letters.c.state.in_(_IN_USE), ~_IS_DEALT_WITH).label(
            "is_kept"
        ),
        select(func.count())
        .where(lines.c.job_number == jobs.c.number)
        .scalar_subquery()
        .label("line_count"),
    )
    .select_from(_WITH_LETTERS)
    .where(jobs.c.number > bindparam("after"))
    .order_by(jobs.c.number)
    .limit(_PAGE)
)
_LOCKED = (
    select(jobs, campaigns.c.name.label("campaign"))
    .select_from(_WITH_LETTERS.join(campaigns, campaigns.c.id == jobs.c.campaign_id))
    .where(jobs.c.number.in_(bindparam("numbers", expanding=True)), _IS_PRUNABLE)
    .order_by(jobs.c.number)
    .with_for_update(of=jobs, skip_locked=True)
)


def _remove(
    ledger: Ledger,
    numbers: list[int],
    cutoff: int,
    archive: Archive | None,
    begin: _Begin | None,
) -> tuple[int, int]:
    """Remove these jobs unless they changed; returns how many jobs and lines."""
    key = ledger.key(Purpose.BODIES)
    with ledger.write() as connection:
        locked = connection.execute(_LOCKED, {"numbers": numbers, "cutoff": cutoff})
        gone = _read(connection, [row._asdict() for row in locked])
        if archive is not None and gone:
            archive(gone)
        write_tombstones(connection, map(_pruned_lines, gone), key)
        _count(connection, gone)
        chosen = [pruned.job["number"] for pruned in gone]
        _return_reservations(connection, gone)
        remove_search_keys(connection, chosen)
        for table in (dead_letters, attempts, lines):
            connection.execute(delete(table).where(table.c.job_number.in_(chosen)))
        connection.execute(delete(jobs).where(jobs.c.number.in_(chosen)))
        if begin is not None and gone:
            begin(connection)
    return len(gone), sum(len(pruned.lines) for pruned in gone)


def _return_reservations(connection: Connection, gone: Sequence[PrunedJob]) -> None:
    """Return what was reserved for these jobs, and keep it for those that may have been issued."""
    definite = [
        pruned.job
        for pruned in gone
        if all(line["state"] != State.IN_DOUBT for line in pruned.lines)
    ]
    connection.execute(
        delete(reservations).where(
            reservations.c.campaign_id.in_({job["campaign_id"] for job in definite}),
            reservations.c.job_number.in_([job["number"] for job in definite]),
        )
    )


def _read(connection: Connection, rows: Sequence[StoredRow]) -> list[PrunedJob]:
    numbers = [row["number"] for row in rows]
    of_lines = _by_job(connection, lines, numbers, lines.c.position)
    of_attempts = _by_job(connection, attempts, numbers, attempts.c.number)
    letters = _by_job(connection, dead_letters, numbers, dead_letters.c.id)
    return [
        PrunedJob(
            row["campaign"],
            row,
            of_lines[row["number"]],
            of_attempts[row["number"]],
            next(iter(letters[row["number"]]), None),
        )
        for row in rows
    ]


def _by_job(
    connection: Connection, table: Table, numbers: Sequence[int], order: ColumnElement[int]
) -> dict[int, list[StoredRow]]:
    found: defaultdict[int, list[StoredRow]] = defaultdict(list)
    query = select(table).where(table.c.job_number.in_(numbers)).order_by(order)
    for row in connection.execute(query):
        found[row.job_number].append(row._asdict())
    return found


def _pruned_lines(pruned: PrunedJob) -> PrunedLines:
    of_job = [(line["request_id"], State(line["state"])) for line in pruned.lines]
    return PrunedLines(
        pruned.job["campaign_id"], Variant(pruned.job["variant"]), pruned.job["body"], of_job
    )


def _count(connection: Connection, gone: Sequence[PrunedJob]) -> None:
    """Add the lines to the pruned ones, by the counters' own expressions."""
    of_jobs = lines.c.job_number.in_([pruned.job["number"] for pruned in gone])
    query = (
        select(
            lines.c.campaign_id,
            LINE_ORG.label("org_id"),
            LINE_REWARD.label("reward"),
            lines.c.state,
            func.count().label("line_count"),
            func.sum(COUNTED_UNITS).label("units"),
            func.sum(COUNTED_POINTS).label("points"),
        )
        .where(of_jobs)
        .group_by(lines.c.campaign_id, LINE_ORG, LINE_REWARD, lines.c.state)
    )
    for row in sorted(connection.execute(query).mappings(), key=lambda row: tuple(row.values())):
        sums = {name: int(row[name]) for name in ("line_count", "units", "points")}
        statement = dialect_of(connection).upsert(
            pruned_lines,
            {**row, **sums},
            keys=["campaign_id", "org_id", "reward", "state"],
            changes={name: pruned_lines.c[name] + added for name, added in sums.items()},
        )
        connection.execute(statement)
