"""Campaigns: the named reason for issuing, and what an operator does to a whole one."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.audit_log import Operator, note_action
from ledger.store.clock import now_ms
from ledger.store.commit_log import note_event
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import IS_OPEN, campaigns, jobs


class CampaignError(LedgerError):
    """The campaign does not exist, or its state does not allow what was asked."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the ledger has it."""

    id: int
    name: str
    state: CampaignState
    defers_limits: bool
    accepted_lines: int
    weight: int
    """1 to 100: its part of the rate, beside those of other campaigns that have work (`weigh_campaign`)."""


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
        values: dict[str, Any] = {
            "name": name,
            "state": CampaignState.RUNNING,
            "defers_limits": defers_limits,
            "accepted_lines": 0,
        }
        with ledger.write() as connection:
            # Another producer may create it at the same moment: then that one is used.
            values |= {"created_at": now_ms()}
            connection.execute(ledger.dialect.upsert(campaigns, values, keys=["name"], changes={}))
            found = connection.execute(select(campaigns).where(campaigns.c.name == name)).one()
    return _campaign(found)


_LONGEST_NAME = 255
_HALTED = (CampaignState.PAUSED, CampaignState.CANCELLED)


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
        return [
            _campaign(row) for row in connection.execute(select(campaigns).order_by(campaigns.c.id))
        ]


def campaign_names(ledger: Ledger, ids: Collection[int]) -> dict[int, str]:
    """Read campaigns' names by their ids; one that is not there is left out."""
    query = select(campaigns.c.id, campaigns.c.name).where(campaigns.c.id.in_(list(ids)))
    with ledger.read() as connection:
        return {row.id: row.name for row in connection.execute(query)}


def halted_campaigns(ledger: Ledger) -> frozenset[int]:
    """The ids of campaigns whose jobs must not be called now."""
    with ledger.read() as connection:
        rows = connection.execute(select(campaigns.c.id).where(campaigns.c.state.in_(_HALTED)))
        return frozenset(rows.scalars())


def pause_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Stop releasing the campaign's jobs until it is resumed."""
    return change_state(
        ledger,
        name,
        operator,
        verb="pause",
        before=(CampaignState.RUNNING, CampaignState.FINISHED, CampaignState.PAUSED),
        after=CampaignState.PAUSED,
    )


def resume_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Let a paused campaign go on."""
    return change_state(
        ledger,
        name,
        operator,
        verb="resume",
        before=(CampaignState.PAUSED, CampaignState.RUNNING),
        after=CampaignState.RUNNING,
    )


def change_state(
    ledger: Ledger,
    name: str,
    operator: Operator,
    *,
    verb: str,
    before: Collection[CampaignState],
    after: CampaignState,
) -> Campaign:
    """Change a campaign's state, and record who did it.

    Args:
        ledger: the record.
        name: the campaign's.
        operator: who asks for it.
        verb: what the action is called in the audit log.
        before: the states in which it is allowed.
        after: the new state.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow it.
    """
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state not in before:
            raise CampaignError(f"Campaign {name} is {campaign.state}: it cannot be put to {after}")
        connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(state=after)
        )
        note_action(connection, operator, verb=verb, target=f"campaign:{name}")
        told = {"operator": operator.name, "note": operator.note, "before": campaign.state}
        note_event(connection, f"campaign {after}", campaign=name, **told)
        return find_in(connection, name)


def weigh_campaign(ledger: Ledger, name: str, weight: int, operator: Operator) -> Campaign:
    """Set a campaign's weight, from the next release on; what is queued already stays so.

    Args:
        ledger: the record.
        name: the campaign's.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`. A weight that it has already is no action.
        operator: whose wish it is; the note tells both weights.

    Raises:
        CampaignError: there is no such campaign, it is cancelled, or the weight is out of its
            range.
    """
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise CampaignError(
            f"A campaign's weight is a whole number from {WEIGHT_MIN} to {WEIGHT_MAX}, not {weight}"
        )
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state is CampaignState.CANCELLED:
            raise CampaignError(f"Campaign {name} is cancelled: it shares in nothing any more")
        if campaign.weight == weight:
            return campaign
        connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(weight=weight)
        )
        note = f"{campaign.weight} → {weight}" + (f", {operator.note}" if operator.note else "")
        note_action(
            connection, replace(operator, note=note), verb="weight", target=f"campaign:{name}"
        )
        told = {"operator": operator.name, "note": operator.note}
        note_event(
            connection,
            "campaign weighed",
            campaign=name,
            **told,
            before=campaign.weight,
            weight=weight,
        )
        return find_in(connection, name)


def finish_campaigns(connection: Connection) -> None:
    """Mark running campaigns without open jobs as finished, so that the release need not look at them."""
    # Locked first and looked at after that: who adds a job locks its campaign too, so it is either
    # seen here or finds the campaign finished and wakes it.
    running = select(campaigns.c.id).where(
        campaigns.c.state == CampaignState.RUNNING, campaigns.c.accepted_lines > 0
    )
    locked = list(connection.scalars(running.with_for_update(skip_locked=True, key_share=True)))
    if not locked:
        return
    open_jobs = select(jobs.c.number).where(jobs.c.campaign_id == campaigns.c.id, IS_OPEN)
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id.in_(locked), ~open_jobs.exists())
        .values(state=CampaignState.FINISHED)
    )


def wake_campaign(connection: Connection, campaign_id: int) -> None:
    """Let a finished campaign run again, because it has something to do; a halted one stays halted."""
    # A running one is written too: that waits for a release which is finishing it at this moment.
    awake = campaigns.c.state.in_((CampaignState.RUNNING, CampaignState.FINISHED))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, awake)
        .values(state=CampaignState.RUNNING)
    )


def find_in(connection: Connection, name: str, *, for_update: bool = False) -> Campaign:
    """`find_campaign` within a transaction; `for_update` keeps others from changing it until the end."""
    query = select(campaigns).where(campaigns.c.name == name)
    found = connection.execute(
        query.with_for_update(key_share=True) if for_update else query
    ).one_or_none()
    if found is None:
        count = connection.scalar(select(func.count()).select_from(campaigns))
        raise CampaignError(
            f"There is no campaign {name!r} among {count}: `issuance status` lists them"
        )
    return _campaign(found)


def _campaign(row: Row[tuple[int, str, str, bool, int, int, int]]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        state=CampaignState(row.state),
        defers_limits=row.defers_limits,
        accepted_lines=row.accepted_lines,
        weight=row.weight,
    )
