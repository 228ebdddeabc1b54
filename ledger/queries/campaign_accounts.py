"""Which API accounts have campaigns that work, wait or are halted."""

from collections.abc import Collection

from sqlalchemy import func, or_, select

from issuance.states import CALLABLE, CampaignState
from issuance.stop_loss.rewards import read_stopped
from ledger.store.database import Ledger
from ledger.store.schema import campaigns

_HALTED = tuple(state for state in CampaignState if state not in CALLABLE)
_WORKING = (CampaignState.RUNNING, CampaignState.CANCELLED)
"""A cancelled campaign may have jobs to be reconciled."""


Halted = int | tuple[int, str]
"""A campaign, by its id, or one of its rewards, by its key."""


def halted_campaigns(ledger: Ledger) -> dict[str, set[Halted]]:
    """Return each account's campaigns, and rewards of campaigns, of which no call may start."""
    query = select(
        campaigns.c.account, campaigns.c.id, campaigns.c.state, campaigns.c.stopped_rewards
    ).where(or_(campaigns.c.state.in_(_HALTED), campaigns.c.stopped_rewards.is_not(None)))
    found: dict[str, set[Halted]] = {}
    with ledger.read() as connection:
        for account, campaign_id, state, stopped in connection.execute(query):
            halted = found.setdefault(account, set())
            if state in _HALTED:
                halted.add(campaign_id)
            halted.update((campaign_id, reward) for reward in read_stopped(stopped))
    return found


def campaigns_without_account(ledger: Ledger, known: Collection[str]) -> dict[str, list[str]]:
    """Return the running campaigns of accounts that are not known, by account."""
    query = (
        select(campaigns.c.account, campaigns.c.name)
        .where(
            campaigns.c.state == CampaignState.RUNNING, campaigns.c.account.not_in(sorted(known))
        )
        .order_by(campaigns.c.id)
    )
    found: dict[str, list[str]] = {}
    with ledger.read() as connection:
        for account, name in connection.execute(query):
            found.setdefault(account, []).append(name)
    return found


def working_accounts(ledger: Ledger) -> frozenset[str]:
    """Return the accounts of the campaigns that may have work: running, or cancelled."""
    query = select(campaigns.c.account).where(campaigns.c.state.in_(_WORKING)).distinct()
    with ledger.read() as connection:
        return frozenset(connection.scalars(query))


def count_campaigns(ledger: Ledger) -> dict[str, int]:
    """Count each account's campaigns, whatever their state."""
    query = select(campaigns.c.account, func.count().label("number")).group_by(campaigns.c.account)
    with ledger.read() as connection:
        return {row.account: row.number for row in connection.execute(query)}
