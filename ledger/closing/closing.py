"""Closing: the statement is stored with its digest, and the campaign takes nothing any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from issuance.closing.canonical import canonical, digest
from issuance.display import printable
from issuance.masking import hide_identifiers
from issuance.states import CampaignState
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.campaigns import Campaign, CampaignError, find_in
from ledger.closing.readiness import basis_of, lock_closable
from ledger.closing.statement import build_statement
from ledger.closing.verification import Comparison, require_unchanged
from ledger.store.clock import instant, now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, closings


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed campaign's statement."""

    campaign: str
    closed_at: datetime
    closed_by: str
    statement: bytes
    """Canonical JSON."""
    sha256: str


def close_campaign(ledger: Ledger, comparison: Comparison, operator: Operator) -> Closing:
    """Close a campaign after its comparison, and store its statement, in one transaction.

    Raises:
        CampaignError: it cannot be closed.
        StaleComparisonError: it has changed since it was compared.
    """
    with ledger.write() as connection:
        campaign = lock_closable(connection, comparison.campaign.name)
        require_unchanged(connection, campaign, comparison)
        closed_at = connection.scalar(select(now_ms())) or 0
        note = printable(hide_identifiers(operator.note))
        statement = canonical(
            build_statement(
                connection,
                campaign,
                comparison,
                closed_at=closed_at,
                closed_by={
                    "subject": operator.name,
                    "host": operator.host,
                    "claimed": printable(operator.claimed),
                },
                note=note,
            )
        )
        sha256 = digest(statement)
        connection.execute(
            insert(closings).values(
                campaign_id=campaign.id,
                closed_at=closed_at,
                closed_by=operator.name,
                mode=comparison.mode,
                note=note,
                statement=statement.decode(),
                sha256=sha256,
                basis=comparison.basis,
            )
        )
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == campaign.id)
            .values(state=CampaignState.CLOSED, closed_at=closed_at)
        )
        log_after_commit(
            connection,
            "campaign_closed",
            campaign=campaign.name,
            operator=operator.name,
            note=operator.note,
            before=campaign.state,
        )
        record_action(
            connection,
            operator,
            verb="close",
            target=campaign_target(campaign.name),
            before=campaign.state,
            after=f"closed, statement sha256 {sha256}",
        )
    return Closing(campaign.name, _instant(closed_at), operator.name, statement, sha256)


def read_closing(ledger: Ledger, name: str) -> tuple[Closing, bool]:
    """Return a campaign's statement, and whether its counts have changed since.

    Raises:
        CampaignError: there is no such campaign, or it is not closed.
    """
    with ledger.read() as connection:
        return closing_in(connection, find_in(connection, name))


def closing_in(connection: Connection, campaign: Campaign) -> tuple[Closing, bool]:
    """Return the same as `read_closing`, within a transaction."""
    row = connection.execute(
        select(closings).where(closings.c.campaign_id == campaign.id)
    ).one_or_none()
    if row is None:
        raise CampaignError(
            f"Campaign {campaign.name} is {campaign.state.replace('_', ' ')} and has no "
            f"statement yet: `issuance campaign close {campaign.name}` writes it"
        )
    changed = basis_of(connection, campaign) != row.basis
    found = Closing(
        campaign.name,
        _instant(row.closed_at),
        row.closed_by,
        row.statement.encode(),
        row.sha256,
    )
    return found, changed


def _instant(milliseconds: int) -> datetime:
    found = instant(milliseconds)
    assert found is not None  # noqa: S101  # only for None
    return found
