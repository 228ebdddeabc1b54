"""Campaigns: created by name, paused, resumed, weighted and finished."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.audit_log import Operator, record_action
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import IS_OPEN, campaigns, jobs


class CampaignError(LedgerError):
    """The campaign does not exist, or its state does not allow the operation."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the ledger stores it."""

    id: int
    name: str
    state: CampaignState
    defers_limits: bool
    accepted_lines: int
    weight: int
    """1 to 100: its share of the rate relative to other campaigns that have work."""
    account: str = "default"
    """The API account of all its calls."""


def ensure_campaign(ledger: Ledger, name: str, *, defers_limits: bool = False) -> Campaign:
    """Return the campaign, creating it if needed; `defers_limits` applies only to a new one.

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
_EVENTS = {
    CampaignState.RUNNING: "campaign_resumed",
    CampaignState.PAUSED: "campaign_paused",
    CampaignState.CANCELLED: "campaign_cancelled",
    CampaignState.FINISHED: "campaign_finished",
}
_HALTED = (CampaignState.PAUSED, CampaignState.CANCELLED)


def find_campaign(ledger: Ledger, name: str) -> Campaign:
    """Return the campaign with this name.

    Raises:
        CampaignError: there is none.
    """
    with ledger.read() as connection:
        return find_in(connection, name)


def list_campaigns(ledger: Ledger) -> list[Campaign]:
    """Return all campaigns, oldest first."""
    with ledger.read() as connection:
        return [
            _campaign(row) for row in connection.execute(select(campaigns).order_by(campaigns.c.id))
        ]


def campaign_names(ledger: Ledger, ids: Collection[int]) -> dict[int, str]:
    """Return campaigns' names by id; unknown ids are left out."""
    query = select(campaigns.c.id, campaigns.c.name).where(campaigns.c.id.in_(list(ids)))
    with ledger.read() as connection:
        return {row.id: row.name for row in connection.execute(query)}


def halted_campaigns(ledger: Ledger) -> frozenset[int]:
    """Return the ids of paused and cancelled campaigns, for whose jobs no call may start."""
    with ledger.read() as connection:
        rows = connection.execute(select(campaigns.c.id).where(campaigns.c.state.in_(_HALTED)))
        return frozenset(rows.scalars())


def pause_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Pause a campaign: none of its jobs is released until it is resumed."""
    return change_state(
        ledger,
        name,
        operator,
        verb="pause",
        before=(CampaignState.RUNNING, CampaignState.FINISHED, CampaignState.PAUSED),
        after=CampaignState.PAUSED,
    )


def resume_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Resume a paused campaign."""
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
    """Change a campaign's state and record who did it.

    Args:
        ledger: the record.
        name: the campaign's name.
        operator: the operator and the reason.
        verb: the action's name in the audit log.
        before: the states in which it is allowed.
        after: the new state.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow it.
    """
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state not in before:
            raise CampaignError(f"Campaign {name} is {campaign.state}: it cannot become {after}")
        connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(state=after)
        )
        record_action(connection, operator, verb=verb, target=f"campaign:{name}")
        fields = {"operator": operator.name, "note": operator.note, "before": campaign.state}
        log_after_commit(connection, _EVENTS[after], campaign=name, **fields)
        return find_in(connection, name)


def weigh_campaign(ledger: Ledger, name: str, weight: int, operator: Operator) -> Campaign:
    """Set a campaign's weight, from the next release on; queued jobs stay queued.

    Args:
        ledger: the record.
        name: the campaign's name.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`. An unchanged weight is not recorded.
        operator: the operator and the reason, to which both weights are added.

    Raises:
        CampaignError: there is no such campaign, it is cancelled, or the weight is out of range.
    """
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise CampaignError(
            f"A campaign's weight is a whole number from {WEIGHT_MIN} to {WEIGHT_MAX}, not {weight}"
        )
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state is CampaignState.CANCELLED:
            raise CampaignError(f"Campaign {name} is cancelled: its weight has no effect any more")
        if campaign.weight == weight:
            return campaign
        connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(weight=weight)
        )
        note = f"{campaign.weight} → {weight}" + (f", {operator.note}" if operator.note else "")
        record_action(
            connection, replace(operator, note=note), verb="weight", target=f"campaign:{name}"
        )
        fields = {"operator": operator.name, "note": operator.note}
        log_after_commit(
            connection,
            "campaign_weight_changed",
            campaign=name,
            **fields,
            before=campaign.weight,
            weight=weight,
        )
        return find_in(connection, name)


def finish_campaigns(connection: Connection) -> None:
    """Mark running campaigns without open jobs as finished, so that releases skip them."""
    # Lock first, then check: adding a job locks its campaign too, so the job is either seen here or
    # finds the campaign finished and wakes it.
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
    """Let a finished campaign run again because it has work; a paused or cancelled one stays so."""
    # A running one is updated too, to wait for a release that is finishing it right now.
    awake = campaigns.c.state.in_((CampaignState.RUNNING, CampaignState.FINISHED))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, awake)
        .values(state=CampaignState.RUNNING)
    )


def find_in(connection: Connection, name: str, *, for_update: bool = False) -> Campaign:
    """Return the same as `find_campaign`, within a transaction; `for_update` locks the campaign."""
    query = select(campaigns).where(campaigns.c.name == name)
    found = connection.execute(
        query.with_for_update(key_share=True) if for_update else query
    ).one_or_none()
    if found is None:
        raise CampaignError(f"There is no campaign {name!r}: `issuance status` lists the campaigns")
    return _campaign(found)


def _campaign(row: Row[tuple[int, str, str, bool, int, int, int, str]]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        state=CampaignState(row.state),
        defers_limits=row.defers_limits,
        accepted_lines=row.accepted_lines,
        weight=row.weight,
        account=row.account,
    )
