"""Starts scheduled campaigns when their time has come."""

from collections.abc import Callable

from sqlalchemy import Connection, and_, or_, select

from issuance.campaign_life import Act, states_before
from ledger.audit_log import SYSTEM
from ledger.campaigns import Campaign, change_state_in, find_in
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns

_DUE = and_(
    campaigns.c.state.in_(states_before(Act.START)),
    or_(campaigns.c.start_at.is_(None), campaigns.c.start_at <= now_ms()),
)


def start_scheduled(
    ledger: Ledger, *, may_start: Callable[[Connection, Campaign], bool] = lambda *_: True
) -> int:
    """Start the scheduled campaigns whose start time has come; returns how many were started.

    Args:
        ledger: the record.
        may_start: asked in the transaction that starts the campaign, which holds its lock; False
            leaves it as it is, or as this function has changed it.
    """
    with ledger.read() as connection:
        due = list(connection.scalars(select(campaigns.c.name).where(_DUE)))
    return sum(_start(ledger, name, may_start) for name in due)


def _start(ledger: Ledger, name: str, may_start: Callable[[Connection, Campaign], bool]) -> bool:
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        # It may have been changed meanwhile: rejected, cancelled, or given a later time.
        is_due = select(campaigns.c.id).where(campaigns.c.id == campaign.id, _DUE)
        if connection.scalar(is_due) is None or not may_start(connection, campaign):
            return False
        change_state_in(connection, campaign, SYSTEM, Act.START, started_at=now_ms())
        return True
