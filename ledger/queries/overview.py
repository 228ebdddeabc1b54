"""All campaigns at once, in a few statements whose cost does not grow with lines or jobs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select, union_all

from issuance.job import Lane
from issuance.outcome import Reason
from issuance.states import CampaignState, DeadLetterState, State
from ledger.queries.ready import STARTED_LATER
from ledger.store.clock import now_ms
from ledger.store.schema import (
    IS_LEASED,
    IS_OPEN,
    IS_WAITING,
    audit_log,
    campaigns,
    dead_letters,
    heartbeats,
    jobs,
    pruned_lines,
    tallies,
    tally_deltas,
)

_FINISHED = 0
_OVER = (CampaignState.FINISHED, CampaignState.CLOSED)
"""The id under which finished campaigns are added up: they may be many, and have no open jobs."""


@dataclass(slots=True)
class Sums:
    """Lines by state, units and points, those of pruned lines included."""

    lines: Counter[State] = field(default_factory=Counter)
    units: int = 0
    points: int = 0
    """In thousandths."""

    def add(self, other: "Sums") -> None:
        """Add another campaign's."""
        self.lines.update(other.lines)
        self.units += other.units
        self.points += other.points


@dataclass(frozen=True, slots=True)
class CampaignOverview:
    """A campaign that is not finished."""

    id: int
    name: str
    state: CampaignState
    account: str
    sums: Sums
    first_due: Mapping[Lane, int]
    """When the first waiting job of each lane is due, in ms; without lanes in which none waits."""
    started_at: int | None = None
    """None: when it was created."""
    window: str | None = None
    timezone: str | None = None

    @property
    def open_lines(self) -> int:
        """How many lines are not settled."""
        return sum(self.sums.lines[state] for state in (State.WAITING, State.QUEUED, State.RUNNING))


@dataclass(frozen=True, slots=True)
class Overview:
    """The campaigns at one moment."""

    now: int
    """By the database's clock, in ms."""
    campaigns: list[CampaignOverview]
    """Those that are not finished, oldest first."""
    finished: Sums
    """Of all finished campaigns."""
    by_state: Mapping[CampaignState, int]
    accepted_lines: int
    """Of all campaigns, counted by acceptance."""


def read_overview(connection: Connection) -> Overview:
    """Read all campaigns in one transaction, so that the counts belong together."""
    sums = _read_sums(connection)
    found = [_campaign(row, sums.get(row.id) or Sums()) for row in connection.execute(_UNFINISHED)]
    counted = connection.execute(
        select(campaigns.c.state, func.count(), func.sum(campaigns.c.accepted_lines)).group_by(
            campaigns.c.state
        )
    ).all()
    return Overview(
        now=connection.scalar(select(now_ms())) or 0,
        campaigns=found,
        finished=sums.get(_FINISHED) or Sums(),
        by_state=dict.fromkeys(CampaignState, 0)
        | {CampaignState(state): count for state, count, _ in counted},
        accepted_lines=sum(int(accepted) for _, _, accepted in counted),
    )


def _read_sums(connection: Connection) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    for campaign_id, state, lines, units, points in connection.execute(_SUMS):
        sums = found.setdefault(campaign_id, Sums())
        sums.lines[State(state)] += int(lines)
        if state != State.REVOKED:
            sums.units += int(units)
            sums.points += int(points)
    return found


def _all_sums() -> Select[Any]:
    stored = union_all(
        *(
            select(
                table.c.campaign_id, table.c.state, lines.label("lines"), table.c.units,
                table.c.points,
            )
            for table, lines in (
                (tallies, tallies.c.line_count),
                (tally_deltas, tally_deltas.c.delta),
                (pruned_lines, pruned_lines.c.line_count),
            )
        )
    ).subquery()  # fmt: skip
    finished = campaigns.c.state.in_(_OVER)
    # In a subquery: PostgreSQL takes an expression with parameters for another one in GROUP BY.
    rows = (
        select(
            case((finished, literal(_FINISHED)), else_=campaigns.c.id).label("shown"),
            stored.c.state, stored.c.lines, stored.c.units, stored.c.points,
        )
        .join(campaigns, campaigns.c.id == stored.c.campaign_id)
        .subquery()
    )  # fmt: skip
    sums = (func.sum(rows.c[name]) for name in ("lines", "units", "points"))
    return select(rows.c.shown, rows.c.state, *sums).group_by(rows.c.shown, rows.c.state)


def _assigned(state: State) -> ColumnElement[int]:
    # One query per state, as in `queries.balance`.
    of_state = (jobs.c.campaign_id == campaigns.c.id, jobs.c.state == state, IS_OPEN)
    return select(func.coalesce(func.sum(jobs.c.open_lines), 0)).where(*of_state).scalar_subquery()


def _first_due(lane: Lane) -> ColumnElement[int | None]:
    # By order and limit: PostgreSQL reads one end of the index for it.
    of_lane = (IS_WAITING, jobs.c.lane == lane, jobs.c.campaign_id == campaigns.c.id)
    first = select(jobs.c.due_at).where(*of_lane).order_by(jobs.c.due_at).limit(1)
    return first.scalar_subquery()


_SUMS = _all_sums()
_UNFINISHED = (
    select(
        campaigns.c.id,
        campaigns.c.name,
        campaigns.c.state,
        campaigns.c.account,
        STARTED_LATER.label("started_at"),
        campaigns.c.window,
        campaigns.c.timezone,
        _assigned(State.QUEUED).label("queued"),
        _assigned(State.RUNNING).label("running"),
        *(_first_due(lane).label(f"due_{lane.value}") for lane in Lane),
    )
    .where(campaigns.c.state.not_in(_OVER))
    .order_by(campaigns.c.id)
)


def _campaign(row: Any, sums: Sums) -> CampaignOverview:
    # Until they are settled, these lines count as waiting.
    sums.lines[State.QUEUED] += int(row.queued)
    sums.lines[State.RUNNING] += int(row.running)
    sums.lines[State.WAITING] -= int(row.queued) + int(row.running)
    due = {lane: getattr(row, f"due_{lane.value}") for lane in Lane}
    return CampaignOverview(
        row.id,
        row.name,
        CampaignState(row.state),
        row.account,
        sums,
        {lane: at for lane, at in due.items() if at is not None},
        row.started_at,
        row.window,
        row.timezone,
    )


def waiting_lines(connection: Connection, campaign_id: int, lane: Lane) -> int:
    """Count the waiting lines of one lane of a campaign; reads each of its waiting jobs."""
    of_lane = (IS_WAITING, jobs.c.lane == lane, jobs.c.campaign_id == campaign_id)
    return int(connection.scalar(select(func.sum(jobs.c.open_lines)).where(*of_lane)) or 0)


def leased_due(connection: Connection, running: Iterable[int]) -> dict[tuple[int, Lane], int]:
    """Return since when the first queued or claimed job of each campaign and lane is due, in ms.

    Args:
        connection: the transaction.
        running: the ids of the running campaigns; jobs of others do not count.
    """
    query = (
        select(jobs.c.campaign_id, jobs.c.lane, func.min(jobs.c.due_at))
        .where(IS_LEASED, jobs.c.campaign_id.in_(list(running)))
        .group_by(jobs.c.campaign_id, jobs.c.lane)
    )
    return {(number, Lane(lane)): due for number, lane, due in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class OpenLetters:
    """The open dead letters of one reason and age."""

    reason: Reason
    age: int
    """The number of given ages, in ascending order, that they have reached."""
    count: int
    oldest: int
    """When the oldest was opened, in ms."""


def count_open_letters(connection: Connection) -> dict[Reason, int]:
    """Count the open dead letters by reason; reads only an index."""
    query = (
        select(dead_letters.c.reason, func.count())
        .where(dead_letters.c.state == DeadLetterState.OPEN)
        .group_by(dead_letters.c.reason)
    )
    return {Reason(reason): count for reason, count in connection.execute(query)}


def open_letters(connection: Connection, ages_ms: tuple[int, ...]) -> list[OpenLetters]:
    """Count the open dead letters by reason and age; reads each open one."""
    age = now_ms() - dead_letters.c.opened_at
    reached = case(
        *((age >= least, literal(place)) for place, least in reversed([*enumerate(ages_ms, 1)])),
        else_=literal(0),
    )
    rows = (
        select(dead_letters.c.reason, reached.label("age"), dead_letters.c.opened_at)
        .where(dead_letters.c.state == DeadLetterState.OPEN)
        .subquery()
    )
    query = select(rows.c.reason, rows.c.age, func.count(), func.min(rows.c.opened_at)).group_by(
        rows.c.reason, rows.c.age
    )
    return [
        OpenLetters(Reason(reason), reached, count, oldest)
        for reason, reached, count, oldest in connection.execute(query)
    ]


def stopped_since(
    connection: Connection, names: Iterable[str], verb: str = "pause"
) -> dict[str, int]:
    """Return when an operator last did this to each of these campaigns, in ms.

    Campaigns to which it was never done are left out.
    """
    prefix = "campaign:"
    query = (
        select(audit_log.c.target, func.max(audit_log.c.at))
        .where(
            audit_log.c.target.in_([f"{prefix}{name}" for name in names]),
            audit_log.c.verb == verb,
        )
        .group_by(audit_log.c.target)
    )
    return {target.removeprefix(prefix): at for target, at in connection.execute(query)}


def heartbeat_times(connection: Connection) -> dict[str, int]:
    """Return when each periodic task last ran, in ms by the database's clock."""
    query = select(heartbeats.c.name, heartbeats.c.at)
    return {row.name: row.at for row in connection.execute(query)}
