"""Reservations of call slots, with what is needed to report results and give slots back."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

MICROSECONDS = 1_000_000

KEPT_SECONDS = 0.35
"""Part of a burst (a second's worth of calls) that is kept for preferred calls."""


class Scope(NamedTuple):
    """A campaign's issue calls, or its reads, which are suspended separately."""

    campaign_id: int
    is_read: bool = False


class Grant(NamedTuple):
    """The state of the limits when calls were granted; results of an older state count less."""

    scope: Scope
    epoch: int = 0
    """Of the adaptive limit."""
    suspension: int = 0
    """How often the scope had been suspended."""
    campaign_suspension: int = 0
    is_probe: bool = False
    """Whether it is the one call granted while its scope or campaign is suspended."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Call slots under the shared rate."""

    grant: Grant
    delays_seconds: tuple[float, ...]
    """For each granted slot, ascending: the earliest start of its call after the reply arrived."""
    next_free_seconds: float
    """Expected seconds until the next slot can be granted; 0 or more."""
    held: str = ""
    """Why fewer slots are granted than the rate allows, or empty.

    `suspended`, `probing`, `campaign_suspended` or `campaign_probing`.
    """
    interval_microseconds: int = 0
    """Between two slots; 0 when the rate is unlimited."""
    others_answered: bool = False
    """Whether calls may be made and the last one was accepted, when this was granted."""
    mark: int = 0
    """Time of the newest slot after this reservation, in microseconds of the Redis clock."""

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
            others_answered=reply["held"] == "" and not reply.get("refused"),
            mark=reply["mark"],
        )

    @property
    def is_probe(self) -> bool:
        """Whether this is the one call that is granted while its scope or campaign is suspended."""
        return self.grant.is_probe
