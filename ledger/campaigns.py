"""Campaigns: the named reason for issuing, and what an operator does to a whole one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from issuance.merge import settle_by
from issuance.outcome import Reason
from issuance.retry import Settle
from issuance.states import State
from ledger.audit_log import Operator, note_action
from ledger.dead_letters.writing import open_letter
from ledger.dispatch.reconciliation import LOOK_UP_NOW
from ledger.store.clock import now_ms
from ledger.store.commit_log import note_event, note_jobs
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import IS_OPEN, campaigns, jobs, lines


class CampaignError(LedgerError):
    """The campaign does not exist, or its state does not allow what was asked."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the ledger has it."""

    id: int
    name: str
    state: str
    """`running`, `paused`, `cancelled` or `finished` (nothing left to do; accepting more makes it run again)."""
    defers_limits: bool
    accepted_lines: int
    weight: int
    """1 to 100: its part of the rate, beside those of other campaigns that have work (`ledger.weights`)."""


def ensure_campaign(ledger: Ledger, name: str, *, defers_limits: bool = False) -> Campaign:
    """Find the campaign, or make it. `defers_limits` only sets a new one.

    Raises:
        CampaignError: the name is empty, too long (255 characters) or has control characters.
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CampaignError(f"A campaign's name has 1 to {_LONGEST_NAME} printable characters")
    with ledger.read() as connection:
        found = connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none()
    if found is None:
        values = {"name": name, "state": "running", "defers_limits": defers_limits, "accepted_lines": 0}
        dialect = postgresql if ledger.dialect == "postgresql" else sqlite
        with ledger.write() as connection:
            # Another producer may make it at this moment: then it is that one.
            statement = dialect.insert(campaigns).values(**values, created_at=now_ms())
            connection.execute(statement.on_conflict_do_nothing(index_elements=[campaigns.c.name]))
            found = connection.execute(select(campaigns).where(campaigns.c.name == name)).one()
    return _campaign(found)


_LONGEST_NAME = 255


def find_campaign(ledger: Ledger, name: str) -> Campaign:
    """Find a campaign by its name.

    Raises:
        CampaignError: there is none of that name.
    """
    with ledger.read() as connection:
        return find_in(connection, name)


def list_campaigns(ledger: Ledger) -> list[Campaign]:
    """All campaigns, oldest first."""
    with ledger.read() as connection:
        return [_campaign(row) for row in connection.execute(select(campaigns).order_by(campaigns.c.id))]


def halted_campaigns(ledger: Ledger) -> frozenset[int]:
    """The ids of campaigns whose jobs must not be called now."""
    with ledger.read() as connection:
        rows = connection.execute(select(campaigns.c.id).where(campaigns.c.state.in_(("paused", "cancelled"))))
        return frozenset(rows.scalars())


def pause_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Stop releasing the campaign's jobs until it is resumed."""
    return _change(ledger, name, operator, verb="pause", before=("running", "finished", "paused"), after="paused")


def resume_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Let a paused campaign go on."""
    return _change(ledger, name, operator, verb="resume", before=("paused", "running"), after="running")


def cancel_campaign(
    ledger: Ledger, name: str, operator: Operator, *, tell: Callable[[Campaign], None] = lambda _: None
) -> Campaign:
    """End the campaign for good: what was never sent is cancelled, what is in doubt looked up; calls in hand finish.

    `tell` is called once the campaign is cancelled, before its jobs are settled: with many that takes seconds, and
    the workers are not to go on for so long.
    """
    before = ("running", "paused", "finished", "cancelled")
    campaign = _change(ledger, name, operator, verb="cancel", before=before, after="cancelled")
    tell(campaign)
    settle_cancelled(ledger)
    return campaign


def _change(
    ledger: Ledger, name: str, operator: Operator, *, verb: str, before: tuple[str, ...], after: str
) -> Campaign:
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state not in before:
            raise CampaignError(f"Campaign {name} is {campaign.state}: it cannot be put to {after}")
        connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(state=after))
        note_action(connection, operator, verb=verb, target=f"campaign:{name}")
        told = {"operator": operator.name, "note": operator.note, "before": campaign.state}
        note_event(connection, f"campaign {after}", campaign=name, **told)
        return find_in(connection, name)


def settle_cancelled(ledger: Ledger, limit: int = 50_000) -> int:
    """Settle waiting and queued jobs of cancelled campaigns; returns how many were dealt with.

    A job that was never sent becomes cancelled. One that may have been issued is not sent again but looked up,
    which goes on in a cancelled campaign; one that was refused for a passing reason is settled as failed and
    dead-lettered.
    """
    with ledger.write() as connection:
        now = connection.scalar(select(now_ms()))
        chosen = _cancellable(connection, limit)
        unsent = [row.number for row in chosen if not row.may_have_reached and row.attempts == 0]
        doubted = [row.number for row in chosen if row.may_have_reached]
        for start in range(0, len(unsent), _BATCH):
            cancelled = _settle(connection, unsent[start : start + _BATCH], State.CANCELLED, now)
            note_jobs(connection, "cancelled", cancelled)
        for start in range(0, len(doubted), _BATCH):
            numbers = doubted[start : start + _BATCH]
            connection.execute(_LOOK_UP, {"numbers": numbers})
            waiting = select(lines.c.request_id).where(lines.c.job_number.in_(numbers))
            because = "its campaign was cancelled"
            note_jobs(connection, "to be looked up", connection.scalars(waiting).all(), because=because)
        for row in chosen:
            if row.attempts and not row.may_have_reached:
                _settle_refused(connection, row, now)
        return len(chosen)


_BATCH = 500
_LOOK_UP = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("numbers", expanding=True)))
    .values(LOOK_UP_NOW | {"state": State.WAITING, "lease_until": None})
)


def _cancellable(connection: Connection, limit: int) -> list[Row[tuple[int, int, bool, int]]]:
    cancelled = select(campaigns.c.id).where(campaigns.c.state == "cancelled")
    query = (
        select(jobs.c.number, jobs.c.campaign_id, jobs.c.may_have_reached, jobs.c.attempts)
        .where(IS_OPEN, jobs.c.campaign_id.in_(cancelled), jobs.c.state != State.RUNNING, jobs.c.look_up.is_(None))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))


def _settle(connection: Connection, numbers: list[int], state: State, now: int | None) -> Sequence[str]:
    """Settle jobs and those of their lines that wait; returns these lines' requestIds."""
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(numbers))
        .values(state=state, open_lines=0, lease_until=None, settled_at=now)
    )
    settled = connection.scalars(
        update(lines)
        .where(lines.c.job_number.in_(numbers), lines.c.state == State.WAITING)
        .values(state=state, settled_at=now)
        .returning(lines.c.request_id)
    )
    return settled.all()


def _settle_refused(connection: Connection, row: Row[tuple[int, int, bool, int]], now: int | None) -> None:
    """Settle a job that was refused for a passing reason: a refusal of the rest undoes no unit that was shown."""
    shows_units = or_(lines.c.quantity > 0, lines.c.vouchers.is_not(None))
    connection.execute(
        update(lines)
        .where(lines.c.job_number == row.number, lines.c.state == State.WAITING, shows_units)
        .values(state=State.PARTIAL, settled_at=now)
    )
    _settle(connection, [row.number], State.FAILED, now)
    states = connection.scalars(select(lines.c.state).where(lines.c.job_number == row.number))
    settle = settle_by([State(found) for found in states], Settle(State.FAILED, Reason.EXHAUSTED))
    connection.execute(update(jobs).where(jobs.c.number == row.number).values(state=settle.state))
    reason = settle.reason or Reason.EXHAUSTED
    message = "the campaign was cancelled before another attempt"
    open_letter(connection, row.number, row.campaign_id, reason=reason, code=None, message=message)


def finish_campaigns(connection: Connection) -> None:
    """Mark running campaigns without open jobs as finished, so that the release need not look at them."""
    # Locked first and looked at after that: who adds a job locks its campaign too, so it is either seen
    # here or finds the campaign finished and wakes it.
    running = select(campaigns.c.id).where(campaigns.c.state == "running", campaigns.c.accepted_lines > 0)
    locked = list(connection.scalars(running.with_for_update(skip_locked=True, key_share=True)))
    if not locked:
        return
    open_jobs = select(jobs.c.number).where(jobs.c.campaign_id == campaigns.c.id, IS_OPEN)
    connection.execute(
        update(campaigns).where(campaigns.c.id.in_(locked), ~open_jobs.exists()).values(state="finished")
    )


def wake_campaign(connection: Connection, campaign_id: int) -> None:
    """Let a finished campaign run again, because it has something to do; a halted one stays halted."""
    # A running one is written too: that waits for a release which is finishing it at this moment.
    awake = campaigns.c.state.in_(("running", "finished"))
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id, awake).values(state="running"))


def find_in(connection: Connection, name: str, *, for_update: bool = False) -> Campaign:
    """`find_campaign` within a transaction; `for_update` keeps others from changing it until the end."""
    query = select(campaigns).where(campaigns.c.name == name)
    found = connection.execute(query.with_for_update(key_share=True) if for_update else query).one_or_none()
    if found is None:
        count = connection.scalar(select(func.count()).select_from(campaigns))
        raise CampaignError(f"There is no campaign {name!r} among {count}: `issuance status` lists them")
    return _campaign(found)


def _campaign(row: Row[tuple[int, str, str, bool, int, int, int]]) -> Campaign:
    return Campaign(row.id, row.name, row.state, row.defers_limits, row.accepted_lines, row.weight)
