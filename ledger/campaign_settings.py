"""A campaign's settings and expected points, as the ledger stores them."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, select, update

from issuance.campaign_settings import NAMES, CampaignSettings
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import campaign_rewards, campaigns

_COLUMNS = tuple(campaigns.c[name] for name in NAMES)
_RUNNING = "running"
"""The state of a reward that is not stopped."""


def read_settings(connection: Connection, campaign_id: int) -> CampaignSettings:
    """Read a campaign's settings."""
    row = connection.execute(select(*_COLUMNS).where(campaigns.c.id == campaign_id)).one()
    return CampaignSettings(*row)


def write_settings(
    connection: Connection,
    campaign_id: int,
    before: CampaignSettings,
    after: CampaignSettings,
) -> None:
    """Write a campaign's settings, except its budget, which `ledger.budgets` writes."""
    values = asdict(after)
    del values["budget_units"], values["budget_points"]
    if after.canary != before.canary:
        values["canary_state"] = None if after.canary is None else "pending"
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(values))


def read_points(connection: Connection, campaign_id: int) -> dict[str, int | None]:
    """Return the expected points of one unit in thousandths, by the reward's key."""
    query = select(campaign_rewards.c.reward, campaign_rewards.c.points)
    rows = connection.execute(query.where(campaign_rewards.c.campaign_id == campaign_id))
    return {row.reward: row.points for row in rows if row.points is not None}


def write_points(connection: Connection, campaign_id: int, points: Mapping[str, int]) -> None:
    """Store the expected points of one unit of these rewards; others keep theirs."""
    dialect = dialect_of(connection)
    for reward, each in sorted(points.items()):
        values = {"campaign_id": campaign_id, "reward": reward, "points": each}
        values |= {"state": _RUNNING, "changed_at": now_ms()}
        changes = {"points": each, "changed_at": now_ms()}
        connection.execute(
            dialect.upsert(
                campaign_rewards, values, keys=["campaign_id", "reward"], changes=changes
            )
        )
