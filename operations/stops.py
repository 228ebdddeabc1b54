"""Which campaigns and rewards are stopped, why, and what can be done about it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from issuance.reward_key import EXTERNAL
from ledger.stop_loss.stop_records import StopRecord, choices, read_open_stops
from ledger.store.clock import instant
from ledger.store.database import Ledger
from operations.formats import clock, iso


@dataclass(frozen=True, slots=True)
class Stopped:
    """The open stops of one campaign."""

    campaign: str
    stops: tuple[StopRecord, ...]

    @property
    def since(self) -> datetime | None:
        """When the first of them was made."""
        return instant(self.stops[0].at)

    @property
    def causes(self) -> list[str]:
        """Since when, and why: a sentence for each stop."""
        return [f"stopped since {_clock(stop.at)}: {stop.why}" for stop in self.stops]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What can be decided: in words, and the command."""
        return choices(self.campaign, self.stops)


def _clock(ms: int) -> str:
    at = instant(ms)
    return "" if at is None else clock(at)


def read_stopped(ledger: Ledger, names: Collection[str] | None = None) -> dict[str, Stopped]:
    """Read the open stops by campaign; None: of all campaigns."""
    with ledger.read() as connection:
        found = read_open_stops(connection)
    return {
        name: Stopped(name, tuple(stops))
        for name, stops in found.items()
        if names is None or name in names
    }


def stops_json(stopped: Stopped | None) -> list[dict[str, Any]]:
    """Return a campaign's open stops for programs."""
    if stopped is None:
        return []
    commands = [command for _, command in stopped.choices]
    return [
        {
            "cause": stop.cause,
            "reward": None if stop.reward is None else stop.reward.removeprefix(EXTERNAL),
            "since": iso(instant(stop.at)),
            "why": stop.why,
            "evidence": stop.evidence,
            "commands": commands,
        }
        for stop in stopped.stops
    ]
