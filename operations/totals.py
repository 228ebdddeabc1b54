"""Issued units and points by campaign, reward and day, and what of them was revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from issuance.details.points import as_points
from ledger.campaigns import find_campaign
from ledger.queries.totals import Slice, read_slices
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject


class By(StrEnum):
    """What totals are broken down by."""

    CAMPAIGN = "campaign"
    REWARD = "reward"
    DAY = "day"


@dataclass(slots=True)
class Sums:
    """Lines with their units and points, in thousandths."""

    lines: int = 0
    units: int = 0
    points: int = 0

    def add(self, part: Slice) -> None:
        """Add a slice."""
        self.lines += part.lines
        self.units += part.units
        self.points += part.points


@dataclass(frozen=True, slots=True)
class Total:
    """What was issued of one campaign, reward and day; a key that was not asked for is ""."""

    keys: tuple[str, ...]
    """In the order that was asked for; the day of pruned lines is ""."""
    issued: Sums = field(default_factory=Sums)
    """Revoked lines included."""
    revoked: Sums = field(default_factory=Sums)


@needs(Right.VIEW)
def read_totals(
    subject: Subject,
    ledger: Ledger,
    by: Sequence[By],
    zone: tzinfo,
    *,
    campaign: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[Total]:
    """Add up what was issued, in the order of the keys.

    A line counts on the day on which it was settled, and so does its revocation. Pruned lines have
    no day: they count only where no day is given, and have "" as theirs.

    Args:
        subject: asks for it.
        ledger: the record.
        by: what the totals are broken down by; empty: one total.
        zone: the zone in which days begin.
        campaign: only this campaign; None: all.
        first: from this day on.
        last: until the end of this day.

    Raises:
        CampaignError: there is no such campaign.
    """
    name = None if campaign is None else find_campaign(ledger, campaign).name
    found: dict[tuple[str, ...], Total] = {}
    slices = read_slices(
        ledger,
        campaign=name,
        from_ms=_begin_ms(first, zone),
        until_ms=None if last is None else _begin_ms(last + timedelta(days=1), zone),
    )
    for part in slices:
        keys = tuple(_key(part, each, zone) for each in by)
        total = found.setdefault(keys, Total(keys))
        total.issued.add(part)
        if part.is_revoked:
            total.revoked.add(part)
    return [found[keys] for keys in sorted(found)]


def _begin_ms(day: date | None, zone: tzinfo) -> int | None:
    if day is None:
        return None
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def _key(part: Slice, by: By, zone: tzinfo) -> str:
    match by:
        case By.CAMPAIGN:
            return part.campaign
        case By.REWARD:
            return part.reward
        case By.DAY:
            if part.began_ms is None:
                return ""
            return datetime.fromtimestamp(part.began_ms / 1000, zone).date().isoformat()


SUM_COLUMNS = (
    *("lines", "units", "points", "revokedLines", "revokedUnits", "revokedPoints"),
    *("netUnits", "netPoints"),
)


def total_fields(total: Total, by: Sequence[By]) -> dict[str, Any]:
    """Return a total for programs: its keys, then `SUM_COLUMNS`; points are decimal texts."""
    issued, revoked = total.issued, total.revoked
    sums = (
        *(issued.lines, issued.units, as_points(issued.points)),
        *(revoked.lines, revoked.units, as_points(revoked.points)),
        *(issued.units - revoked.units, as_points(issued.points - revoked.points)),
    )
    keys = {each.value: key or None for each, key in zip(by, total.keys, strict=True)}
    return keys | dict(zip(SUM_COLUMNS, sums, strict=True))


def whole(totals: Sequence[Total]) -> Total:
    """Add up all totals."""
    found = Total(())
    for total in totals:
        for mine, theirs in ((found.issued, total.issued), (found.revoked, total.revoked)):
            mine.lines += theirs.lines
            mine.units += theirs.units
            mine.points += theirs.points
    return found
