"""What was decided about a campaign: its settings, window, approval and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from issuance.campaign_settings import CampaignSettings
from issuance.windows import Window, stored_window
from ledger.approvals import Approval, last_approval
from ledger.campaign_settings import read_settings
from ledger.campaigns import find_in
from ledger.queries.acceptances import AcceptedFile, accepted_files
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject


@dataclass(frozen=True, slots=True)
class WindowNow:
    """A campaign's window at one moment."""

    text: str
    timezone: str
    is_open: bool
    changes_at: datetime | None
    """When it closes or opens next; None: it is always open."""


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What was decided about a campaign."""

    settings: CampaignSettings
    window: WindowNow | None
    """None: it has none, or one that cannot be read, and then no call starts."""
    approval: Approval | None
    """The last submission to a second person; None: there was none."""
    files: Sequence[AcceptedFile]
    """The newest first."""
    files_total: int


@needs(Right.VIEW)
def read_facts(subject: Subject, ledger: Ledger, name: str) -> CampaignFacts:
    """Read what was decided about a campaign.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        settings = read_settings(connection, campaign.id)
        now = connection.scalar(select(now_ms())) or 0
        files, files_total = accepted_files(connection, campaign.id)
        window = stored_window(settings.window, settings.timezone) if settings.window else None
        return CampaignFacts(
            settings,
            None if window is None else _now(window, datetime.fromtimestamp(now / 1000, UTC)),
            last_approval(connection, campaign.id),
            files,
            files_total,
        )


def _now(window: Window, now: datetime) -> WindowNow:
    is_open = window.is_open(now)
    changes_at = window.closes_at(now) if is_open else window.opens_at(now)
    return WindowNow(window.text, window.timezone, is_open, changes_at)
