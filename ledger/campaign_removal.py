"""Removes a campaign that was made for a file of which nothing was accepted."""

from sqlalchemy import delete, func, select

from ledger.audit_log import Operator, campaign_target, record_action
from ledger.campaigns import Campaign
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import approvals, campaign_rewards, campaigns, intakes

_OF_CAMPAIGN = (intakes, campaign_rewards, approvals)


def remove_if_empty(ledger: Ledger, campaign: Campaign, operator: Operator) -> bool:
    """Remove a campaign that no line was accepted into and no other file is read into.

    A producer that knows it already finds it gone, and says so.

    Returns:
        Whether it was removed.
    """
    with ledger.write() as connection:
        query = select(campaigns.c.accepted_lines).where(campaigns.c.id == campaign.id)
        accepted = connection.scalar(query.with_for_update())
        files = select(func.count()).where(intakes.c.campaign_id == campaign.id)
        if accepted is None or accepted > 0 or (connection.scalar(files) or 0) > 1:
            return False
        for table in _OF_CAMPAIGN:
            connection.execute(delete(table).where(table.c.campaign_id == campaign.id))
        connection.execute(delete(campaigns).where(campaigns.c.id == campaign.id))
        log_after_commit(
            connection, "campaign_removed", campaign=campaign.name, operator=operator.name
        )
        target = campaign_target(campaign.name)
        record_action(
            connection, operator, verb="remove", target=target, before="no line was accepted"
        )
        return True
