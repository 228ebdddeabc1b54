"""What a campaign says about its file beyond the file itself."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field

from producers.fields.rules import LARGEST_ID, LARGEST_QUANTITY

# The csv module refuses a longer field, in every reader of the process at once; so no record may be
# longer.
_LONGEST_RECORD = csv.field_size_limit()


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file.

    Attributes:
        mapping: The file's column or key to ours (`--map theirs=ours`), or to "-" to ignore that
            column.
        reward_id: For rows without a rewardId of their own, 1 to 2^63-1; a row's own value wins.
        quantity: For rows without a quantity of their own, 1 to 1,000,000; a row's own value wins.
            1 when not given.
        max_record_bytes: The longest record that is read, 1 to 131,072 bytes; a longer one is one
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
