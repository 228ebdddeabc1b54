"""What requests are checked against."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.customers import Directory
from simulator.reward import Reward
from simulator.switches import Switches


@dataclass(frozen=True, slots=True)
class Shop:
    """An account's rewards, brands, customers and known names; None accepts every name."""

    rewards: Mapping[int, Reward]
    brands: frozenset[str]
    directory: Directory
    switches: Switches
    custom_fields: frozenset[str] | None = None
    fulfillment_statuses: frozenset[str] | None = None
