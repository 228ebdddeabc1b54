"""Starts scheduled campaigns when their time has come."""

from sqlalchemy import and_, or_, select

from issuance.campaign_life import Act, states_before
from ledger.audit_log import SYSTEM
from ledger.campaigns import change_state_in, find_in
from ledger.plans.approved import is_still_approved, read_approved
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns

_DUE = and_(
    campaigns.c.state.in_(states_before(Act.START)),
    or_(campaigns.c.start_at.is_(None), campaigns.c.start_at <= now_ms()),
)


def start_scheduled(ledger: Ledger) -> int:
    """Start the scheduled campaigns whose start time has come; returns how many were started.

    One that a second person approved is digested first, outside of the transaction that starts it;
    if it is not what was approved, it is a draft again.
    """
    with ledger.read() as connection:
        due = list(connection.scalars(select(campaigns.c.name).where(_DUE)))
    return sum(_start(ledger, name) for name in due)


def _start(ledger: Ledger, name: str) -> bool:
    approved = read_approved(ledger, name)
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        # It may have been changed meanwhile: rejected, cancelled, or given a later time.
        is_due = select(campaigns.c.id).where(campaigns.c.id == campaign.id, _DUE)
        if connection.scalar(is_due) is None:
            return False
        if not is_still_approved(connection, campaign, approved):
            return False
        change_state_in(connection, campaign, SYSTEM, Act.START, started_at=now_ms())
        return True
