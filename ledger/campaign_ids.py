"""Which requestIds a campaign derives: a campaign keeps the scheme with which it was created."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from issuance.derived_keys import Purpose
from issuance.request_id import CampaignIds, IdScheme
from ledger.campaigns import Campaign
from ledger.store.database import Ledger
from ledger.store.schema import campaigns
from ledger.store.secret import Keys


def campaign_ids(ledger: Ledger, campaign: Campaign) -> CampaignIds:
    """Return what derives the requestIds of a campaign's file.

    Raises:
        SecretError: the ledger has another secret than this process.
    """
    keys = ledger.keys
    with ledger.read() as connection:
        # The campaign exists, so the secret does not change from here on.
        keys.require_current(connection)
    return _ids(campaign.name, campaign.id_scheme, keys)


def ids_of_campaigns(
    connection: Connection, campaign_ids: Collection[int], keys: Keys
) -> dict[int, CampaignIds]:
    """Return what derives the requestIds of campaigns, by their ids.

    Args:
        connection: a transaction.
        campaign_ids: the campaigns.
        keys: the ledger's; read before the transaction began.

    Raises:
        SecretError: the ledger has another secret than this process.
    """
    keys.require_current(connection)
    query = select(campaigns.c.id, campaigns.c.name, campaigns.c.id_scheme)
    rows = connection.execute(query.where(campaigns.c.id.in_(campaign_ids)))
    return {row.id: _ids(row.name, IdScheme(row.id_scheme), keys) for row in rows}


def _ids(name: str, scheme: IdScheme, keys: Keys) -> CampaignIds:
    return CampaignIds(name, keys[Purpose.REQUEST_IDS] if scheme is IdScheme.KEYED else None)
