"""What a reservation of call slots grants, and what must be known to report results and give slots back."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

MICROSECONDS = 1_000_000

KEPT_SECONDS = 0.35
"""How much of a burst, which is a second's worth of calls, is kept for preferred calls."""


class Scope(NamedTuple):
    """Whose calls these are: a campaign's issue calls, or its reads, which have a suspension of their own."""

    campaign_id: int
    is_read: bool = False


class Grant(NamedTuple):
    """Under which state of the limits calls were granted: results of older states say little of the present one."""

    scope: Scope
    epoch: int = 0
    """Of the adaptive limit."""
    suspension: int = 0
    """How often the scope was suspended until then."""
    campaign_suspension: int = 0
    is_probe: bool = False
    """It is the one call that goes through while its scope or campaign is suspended."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Call slots under the shared rate."""

    grant: Grant
    delays_seconds: tuple[float, ...]
    """One for each granted slot, ascending: start the call no sooner than this after the reply came."""
    next_free_seconds: float
    """Seconds until a further slot can be granted, as far as is known now; 0 or more."""
    held: str = ""
    """Why fewer slots are granted than the rate allows: `suspended`, `probing`, `campaign_suspended`, or empty."""
    interval_microseconds: int = 0
    """Between two slots; 0 when the rate is unlimited."""
    mark: int = 0
    """The newest slot of the grid after this reservation."""

    @classmethod
    def read(cls, scope: Scope, reply: dict[str, Any]) -> Self:
        """Read the reply of `lua/reserve.lua`."""
        ahead, interval = reply["ahead"], reply["interval"]
        places = range(1, reply["granted"] + 1)
        return cls(
            grant=Grant(
                scope,
                reply["epoch"],
                reply["suspension"],
                reply["campaign_suspension"],
                is_probe=reply["held"] == "probing",
            ),
            delays_seconds=tuple(
                max(0, ahead + place * interval) / MICROSECONDS for place in places
            ),
            next_free_seconds=reply["next_free"] / MICROSECONDS,
            held=reply["held"],
            interval_microseconds=interval,
            mark=reply["mark"],
        )

    @property
    def is_probe(self) -> bool:
        """Whether this is the one call that is granted while its scope or campaign is suspended."""
        return self.grant.is_probe
