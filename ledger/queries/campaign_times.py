"""When a campaign worked, and what happened to it at which time."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from issuance.states import NOT_STARTED, CampaignState
from ledger.audit_log import ENTRY, AuditEntry, account_target, campaign_target, entry_of
from ledger.campaigns import Campaign
from ledger.store.clock import now_ms
from ledger.store.schema import audit_log, campaign_notices, campaigns

_MOST_ACTS = 500


@dataclass(frozen=True, slots=True)
class CampaignTimes:
    """A campaign's time, in ms."""

    begin: int | None
    """None: it has not started."""
    end: int
    """Its end, or now."""
    now: int
    window: str | None
    timezone: str | None


def read_times(connection: Connection, campaign: Campaign) -> CampaignTimes:
    """Read from when to when a campaign worked."""
    columns = (campaigns.c.created_at, campaigns.c.started_at, campaigns.c.finished_at)
    query = select(*columns, campaigns.c.window, campaigns.c.timezone, now_ms())
    found = connection.execute(query.where(campaigns.c.id == campaign.id)).one()
    created, started, finished, window, timezone, now = found
    begin = started or created
    end = now
    match campaign.state:
        case CampaignState.FINISHED | CampaignState.CLOSED:
            end = finished or _cancelled_at(connection, campaign) or now
        case CampaignState.CANCELLED:
            end = _cancelled_at(connection, campaign) or now
    is_ahead = campaign.state in NOT_STARTED
    return CampaignTimes(None if is_ahead else begin, max(end, begin), now, window, timezone)


def _cancelled_at(connection: Connection, campaign: Campaign) -> int | None:
    cancelled = (audit_log.c.target == campaign_target(campaign.name), audit_log.c.verb == "cancel")
    found: int | None = connection.scalar(select(func.max(audit_log.c.at)).where(*cancelled))
    return found


def acts_until(
    connection: Connection, campaign: Campaign, verbs: Collection[str], end_ms: int
) -> list[AuditEntry]:
    """Read the last acts of these kinds on a campaign and its account, oldest first."""
    targets = (campaign_target(campaign.name), account_target(campaign.account))
    query: Select[tuple[object, ...]] = (
        select(*ENTRY)
        .where(
            audit_log.c.target.in_(targets),
            audit_log.c.verb.in_(sorted(verbs)),
            audit_log.c.at <= end_ms,
        )
        .order_by(audit_log.c.id.desc())
        .limit(_MOST_ACTS)
    )
    return [entry_of(row) for row in connection.execute(query)][::-1]


def budget_notices(connection: Connection, campaign_id: int) -> list[tuple[int, int]]:
    """Return when which percentage of the budget was issued: ms and percent."""
    query = select(campaign_notices.c.at, campaign_notices.c.percent)
    of_campaign = campaign_notices.c.campaign_id == campaign_id
    rows = connection.execute(query.where(of_campaign).order_by(campaign_notices.c.id))
    return [(at, percent) for at, percent in rows]
