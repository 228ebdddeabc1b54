"""An issue call with all that its outcome depends on, so that it can be replayed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from simulator.issuance import LineResult, issue
from simulator.obstacles import Forced
from simulator.orders import Order, read_order
from simulator.statuses import Status
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Submission:
    """An admitted call at `at` (epoch seconds); `reward_id` comes from a single issue's path."""

    account: str
    body: Any
    digest: bytes
    reward_id: str | None
    orgs: frozenset[int]
    connected: bool
    at: float
    forced: Forced | None

    def process(self, world: World) -> tuple[Order, list[LineResult]]:
        """Read the order and process it; raises RefusalError with the status of the reply."""
        account, moment = world.account(self.account), datetime.fromtimestamp(self.at, UTC)
        order = read_order(
            self.body,
            self.reward_id,
            account.shop(world.switches),
            moment,
            orgs=self.orgs,
            connected=self.connected,
        )
        return order, issue(account.records, order, world.switches, self.at, self.forced)

    def as_json(self) -> dict[str, Any]:
        """The submission in the format of the truth file."""
        forced = self.forced and {
            "code": self.forced.status.code,
            "message": self.forced.status.message,
            "partner": self.forced.status.partner,
            "units": self.forced.units,
        }
        return {
            "event": "call",
            "account": self.account,
            "at": self.at,
            "body": self.body,
            "digest": self.digest.hex(),
            "rewardId": self.reward_id,
            "orgs": sorted(self.orgs),
            "connected": self.connected,
            "forced": forced,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read a submission from the truth file."""
        orgs = frozenset(kept["orgs"])
        return cls(
            kept.get("account", ""),
            kept["body"],
            bytes.fromhex(kept.get("digest", "")),
            kept["rewardId"],
            orgs,
            kept["connected"],
            kept["at"],
            _forced(kept["forced"]),
        )


def _forced(kept: Mapping[str, Any] | None) -> Forced | None:
    if kept is None:
        return None
    partner = kept["partner"] and (kept["partner"][0], kept["partner"][1])
    return Forced(Status(kept["code"], kept["message"], partner), kept["units"])
