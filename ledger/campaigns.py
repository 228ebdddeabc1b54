"""Campaigns: the named reason for issuing, and what an operator does to a whole one."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, case, func, insert, select, update

from issuance.outcome import Reason
from issuance.states import OPEN, State
from ledger.actions import Operator, note_action
from ledger.book import Ledger, LedgerError
from ledger.clock import now_ms
from ledger.letters import open_letter
from ledger.schema import campaigns, jobs, lines


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


def ensure_campaign(ledger: Ledger, name: str, *, defers_limits: bool = False) -> Campaign:
    """Find the campaign, or make it. `defers_limits` only sets a new one.

    Raises:
        CampaignError: the name is empty, too long (255 characters) or has control characters.
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CampaignError(f"A campaign's name has 1 to {_LONGEST_NAME} printable characters")
    with ledger.write() as connection:
        found = connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none()
        if found is None:
            values = {"name": name, "state": "running", "defers_limits": defers_limits, "accepted_lines": 0}
            connection.execute(insert(campaigns).values(**values, created_at=now_ms()))
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


def cancel_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """End the campaign for good: lines that were never sent are cancelled, calls under way finish."""
    before = ("running", "paused", "finished", "cancelled")
    campaign = _change(ledger, name, operator, verb="cancel", before=before, after="cancelled")
    settle_cancelled(ledger)
    return campaign


def _change(
    ledger: Ledger, name: str, operator: Operator, *, verb: str, before: tuple[str, ...], after: str
) -> Campaign:
    with ledger.write() as connection:
        campaign = find_in(connection, name)
        if campaign.state not in before:
            raise CampaignError(f"Campaign {name} is {campaign.state}: it cannot be put to {after}")
        connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(state=after))
        note_action(connection, operator, verb=verb, target=f"campaign:{name}")
        return find_in(connection, name)


def settle_cancelled(ledger: Ledger, limit: int = 50_000) -> int:
    """Settle waiting and queued jobs of cancelled campaigns; returns how many.

    A job that was never sent becomes cancelled. One that waits for another attempt cannot: it may have
    been issued, or was refused for a passing reason, so it is settled as that and dead-lettered.
    """
    with ledger.write() as connection:
        now = connection.scalar(select(now_ms()))
        chosen = _cancellable(connection, limit)
        unsent = [row.number for row in chosen if not row.may_have_reached and row.attempts == 0]
        for start in range(0, len(unsent), 500):
            _settle(connection, unsent[start : start + 500], State.CANCELLED, now)
        for row in chosen:
            if row.may_have_reached or row.attempts:
                _settle_sent(connection, row, now)
        return len(chosen)


def _cancellable(connection: Connection, limit: int) -> list[Row[tuple[int, int, bool, int]]]:
    cancelled = select(campaigns.c.id).where(campaigns.c.state == "cancelled")
    query = (
        select(jobs.c.number, jobs.c.campaign_id, jobs.c.may_have_reached, jobs.c.attempts)
        .where(jobs.c.campaign_id.in_(cancelled), jobs.c.state.in_((State.WAITING, State.QUEUED)))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))


def _settle(connection: Connection, numbers: list[int], state: State, now: int | None) -> None:
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(numbers))
        .values(state=state, open_lines=0, lease_until=None, settled_at=now)
    )
    connection.execute(
        update(lines)
        .where(lines.c.job_number.in_(numbers), lines.c.state == State.WAITING)
        .values(state=state, settled_at=now)
    )


def _settle_sent(connection: Connection, row: Row[tuple[int, int, bool, int]], now: int | None) -> None:
    reason = Reason.IN_DOUBT if row.may_have_reached else Reason.EXHAUSTED
    state = State.IN_DOUBT if row.may_have_reached else State.FAILED
    _settle(connection, [row.number], state, now)
    message = "the campaign was cancelled before another attempt"
    open_letter(connection, row.number, row.campaign_id, reason=reason, code=None, message=message)


def finish_campaigns(connection: Connection) -> None:
    """Mark running campaigns without open jobs as finished, so that the release need not look at them."""
    open_jobs = select(jobs.c.number).where(jobs.c.campaign_id == campaigns.c.id, jobs.c.state.in_(OPEN))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.state == "running", campaigns.c.accepted_lines > 0, ~open_jobs.exists())
        .values(state=case((campaigns.c.accepted_lines > 0, "finished"), else_="running"))
    )


def find_in(connection: Connection, name: str) -> Campaign:
    """`find_campaign` within a transaction."""
    found = connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none()
    if found is None:
        count = connection.scalar(select(func.count()).select_from(campaigns))
        raise CampaignError(f"There is no campaign {name!r} among {count}: `issuance status` lists them")
    return _campaign(found)


def _campaign(row: Row[tuple[int, str, str, bool, int, int]]) -> Campaign:
    return Campaign(row.id, row.name, row.state, row.defers_limits, row.accepted_lines)
