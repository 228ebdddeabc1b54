"""Weights: how much of the account's rate a campaign has beside the others, set by operators."""

from dataclasses import replace

from sqlalchemy import update

from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from ledger.audit_log import Operator, note_action
from ledger.campaigns import Campaign, CampaignError, find_in
from ledger.store.commit_log import note_event
from ledger.store.database import Ledger
from ledger.store.schema import campaigns


def weigh_campaign(ledger: Ledger, name: str, weight: int, operator: Operator) -> Campaign:
    """Set a campaign's weight, from the next release on; what is queued already stays so.

    Args:
        ledger: the record.
        name: the campaign's.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`. A weight that it has already is no action.
        operator: whose wish it is; the note tells both weights.

    Raises:
        CampaignError: there is no such campaign, it is cancelled, or the weight is out of its range.
    """
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise CampaignError(f"A campaign's weight is a whole number from {WEIGHT_MIN} to {WEIGHT_MAX}, not {weight}")
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state == "cancelled":
            raise CampaignError(f"Campaign {name} is cancelled: it shares in nothing any more")
        if campaign.weight == weight:
            return campaign
        connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(weight=weight))
        note = f"{campaign.weight} → {weight}" + (f", {operator.note}" if operator.note else "")
        note_action(connection, replace(operator, note=note), verb="weight", target=f"campaign:{name}")
        told = {"operator": operator.name, "note": operator.note}
        note_event(connection, "campaign weighed", campaign=name, **told, before=campaign.weight, weight=weight)
        return find_in(connection, name)
