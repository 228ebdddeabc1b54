"""The options for reading a campaign's file."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field

from producers.fields.rules import LARGEST_ID, LARGEST_QUANTITY

# The csv module refuses longer fields, and its limit is global to the process: no record may be
# longer.
_LONGEST_RECORD = csv.field_size_limit()


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file.

    Attributes:
        mapping: Maps the file's columns or keys to ours (`--map theirs=ours`), or to "-" to ignore
            them.
        reward_id: The reward of rows without a rewardId, 1 to 2^63-1.
        quantity: The quantity of rows without one, 1 to 1,000,000; 1 when not given.
        max_record_bytes: The longest record that is read, 1 to 131,072 bytes; a longer one is a
            bad row.

    Raises:
        ValueError: A number is out of range.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    reward_id: int | None = None
    quantity: int | None = None
    max_record_bytes: int = 65_536

    def __post_init__(self) -> None:
        _check("reward_id", self.reward_id, LARGEST_ID)
        _check("quantity", self.quantity, LARGEST_QUANTITY)
        _check("max_record_bytes", self.max_record_bytes, _LONGEST_RECORD)


def _check(name: str, value: int | None, largest: int) -> None:
    if value is not None and not 1 <= value <= largest:
        raise ValueError(f"{name} is {value}; give 1 to {largest}")
