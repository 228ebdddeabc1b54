"""Each campaign's outlook: what it has to go, when it ends, and what limits it now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.formats import iso


@dataclass(frozen=True, slots=True)
class Ends:
    """When a campaign ends: in 8 of 10 cases between the earliest and the latest time."""

    earliest: datetime
    likely: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class ToGo:
    """A campaign's lines that are not settled."""

    not_sent: int = 0
    """Due now, queued or being sent."""
    again: int = 0
    """Tried again later."""
    again_by: datetime | None = None
    """When the last of them is due."""
    looked_up: int = 0
    looked_up_by: datetime | None = None
    held: int = 0
    """Lines of rewards that are stopped."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A campaign's way to its end."""

    to_go: ToGo = ToGo()
    ends: Ends | None = None
    """None: unknown, or there is nothing to go."""
    calls_end: datetime | None = None
    """When the lines that were not sent yet have been sent."""
    because: str = ""
    """What limits it now; "" when there is nothing to go."""
    per_second: float = 0.0
    """Its calls a second, over the last ten."""
    allowed_per_second: float = 0.0
    """The calls that its account may make; 0: unlimited or unknown."""
    started_at: datetime | None = None
    finished_at: datetime | None = None


def ends_json(ends: Ends | None) -> dict[str, Any] | None:
    """Return a plan's end for programs."""
    if ends is None:
        return None
    return {
        "earliest": iso(ends.earliest),
        "likely": iso(ends.likely),
        "latest": iso(ends.latest),
    }


def outlook_json(outlook: Outlook) -> dict[str, Any]:
    """Return an outlook for programs."""
    to_go, ends = outlook.to_go, outlook.ends
    return {
        "startedAt": iso(outlook.started_at),
        "finishedAt": iso(outlook.finished_at),
        "callsPerSecond": outlook.per_second,
        "toGo": {
            "notSent": to_go.not_sent,
            "triedAgain": to_go.again,
            "triedAgainBy": iso(to_go.again_by),
            "lookedUp": to_go.looked_up,
            "lookedUpBy": iso(to_go.looked_up_by),
            "held": to_go.held,
        },
        "eta": {
            "p10": iso(ends.earliest if ends else None),
            "p50": iso(ends.likely if ends else None),
            "p90": iso(ends.latest if ends else None),
            "because": outlook.because,
        },
    }
