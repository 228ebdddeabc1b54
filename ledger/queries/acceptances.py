"""The files that a campaign was read from, with the rows that were refused."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.store.clock import instant
from ledger.store.schema import intakes

_MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class AcceptedFile:
    """One reading of a file."""

    source: str
    accepted: int
    known: int
    """Rows that were accepted before."""
    refused: int
    warned: int
    """Rows that were accepted with a warning."""
    started_at: datetime | None
    finished_at: datetime | None
    """None: it was not read to its end."""


def accepted_files(connection: Connection, campaign_id: int) -> tuple[list[AcceptedFile], int]:
    """Return the last twenty readings of its files, newest first, and how many there are."""
    of_campaign = intakes.c.campaign_id == campaign_id
    query = select(intakes).where(of_campaign).order_by(intakes.c.id.desc()).limit(_MOST_FILES)
    files = [
        AcceptedFile(
            row.source,
            row.accepted,
            row.known,
            row.refused,
            row.warned,
            instant(row.started_at),
            instant(row.finished_at),
        )
        for row in connection.execute(query)
    ]
    counted = select(func.count()).select_from(intakes).where(of_campaign)
    return files, connection.scalar(counted) or 0
