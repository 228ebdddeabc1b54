"""Why campaigns and rewards were stopped, and what an operator can decide about it."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, select

from issuance.reward_key import EXTERNAL
from issuance.states import CampaignState
from ledger.stop_loss.stopping import CANARY, STOP_LOSS
from ledger.store.schema import campaign_stops, campaigns


@dataclass(frozen=True, slots=True)
class StopRecord:
    """Why a campaign, or one of its rewards, was stopped."""

    id: int
    campaign_id: int
    at: int
    cause: str
    """stop_loss, canary or budget."""
    reward: str | None
    """Its key; None: the whole campaign."""
    evidence: dict[str, Any]
    resolved_at: int | None
    resolved_by: str | None
    resolution: str | None

    @property
    def why(self) -> str:
        """The reason in one sentence."""
        return str(self.evidence.get("why", self.cause))

    @property
    def needs_decision(self) -> bool:
        """Whether an operator has to choose how the campaign continues."""
        return self.cause in (STOP_LOSS, CANARY)


_UNDECIDED = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.STOPPED)
_COLUMNS = tuple(campaign_stops.c[each.name] for each in fields(StopRecord))


def read_stops(
    connection: Connection, campaign_ids: Collection[int], *, is_open: bool = False
) -> list[StopRecord]:
    """Read the stops of campaigns, oldest first; `is_open`: only those that are not resolved."""
    query = (
        select(*_COLUMNS)
        .where(campaign_stops.c.campaign_id.in_(sorted(campaign_ids)))
        .order_by(campaign_stops.c.id)
    )
    if is_open:
        query = query.where(campaign_stops.c.resolved_at.is_(None))
    return [_stop(*row) for row in connection.execute(query)]


def _stop(*row: Any) -> StopRecord:
    number, campaign_id, at, cause, reward, evidence, *resolved = row
    return StopRecord(number, campaign_id, at, cause, reward, from_json(evidence), *resolved)


def read_open_stops(connection: Connection) -> dict[str, list[StopRecord]]:
    """Read the stops that wait for a decision, by the campaign's name, oldest first."""
    query = (
        select(campaigns.c.name, *_COLUMNS)
        .join(campaigns, campaigns.c.id == campaign_stops.c.campaign_id)
        .where(campaign_stops.c.resolved_at.is_(None), campaigns.c.state.in_(_UNDECIDED))
        .order_by(campaign_stops.c.id)
    )
    found: dict[str, list[StopRecord]] = {}
    for name, *row in connection.execute(query):
        found.setdefault(name, []).append(_stop(*row))
    return found


def choices(name: str, stops: Sequence[StopRecord]) -> list[tuple[str, str]]:
    """Return what can be decided about a campaign's open stops: in words, and the command."""
    quoted = shlex.quote(name)
    cancelling = ("to end it", f"issuance campaign cancel {quoted}")
    decided = [stop for stop in stops if stop.needs_decision]
    if not decided:
        raising = f"issuance campaign set {quoted} --budget-units N, or --budget-points N"
        return [
            ("to raise the budget", raising),
            ("then", f"issuance campaign resume {quoted}"),
            cancelling,
        ]
    rewards = dict.fromkeys(
        reward.removeprefix(EXTERNAL)
        for stop in decided
        for reward in ([stop.reward] if stop.reward else stop.evidence.get("rewards", ()))
    )
    removing = "".join(f" --without-reward {shlex.quote(each)}" for each in rewards)
    resuming = f"issuance campaign resume {quoted}"
    return [
        ("once the cause is corrected", f"{resuming} --go-on"),
        *([("to leave the reward out", f"{resuming}{removing}")] if removing else []),
        cancelling,
    ]
