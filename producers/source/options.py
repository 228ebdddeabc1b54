"""The options for reading a campaign's file."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from issuance.display import shorten
from producers.fields.refusal import Refusal
from producers.fields.rules import LARGEST_ID, LARGEST_QUANTITY
from producers.source.columns import IGNORED, Column, Columns, Slot, suggest

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
        defaults: The texts of our columns for rows that leave them empty (`--set column=value`).
        max_record_bytes: The longest record that is read, 1 to 131,072 bytes; a longer one is a
            bad row.
        sheet: The sheet of a workbook; None is the first that is visible.
        country: The country of mobiles, as two letters; None: they have their country code.

    Raises:
        ValueError: A number is out of range, or a default is no value of a column.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    reward_id: int | None = None
    quantity: int | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    max_record_bytes: int = 65_536
    sheet: str | None = None
    country: str | None = None

    def __post_init__(self) -> None:
        _check("reward_id", self.reward_id, LARGEST_ID)
        _check("quantity", self.quantity, LARGEST_QUANTITY)
        _check("max_record_bytes", self.max_record_bytes, _LONGEST_RECORD)
        list(self.default_values())

    @property
    def names_reward(self) -> bool:
        """Whether the options name the reward of rows that name none."""
        keys = {column.key for column, _ in self.default_values()}
        return not keys.isdisjoint({"reward_id", "reward_external_id"})

    def default_values(self) -> Iterator[tuple[Column, object]]:
        """Return the default of each column that has one."""
        columns = Columns({})
        given = {"rewardId": self.reward_id, "quantity": self.quantity}
        for name, number in given.items():
            if number is not None and (column := columns.find(name)) is not None:
                yield column, number
        for name, text in self.defaults.items():
            column = columns.find(name)
            if column is None or column is IGNORED:
                raise ValueError(f"--set {shorten(name)}: it is no column; {suggest(name)}")
            if column.slot is Slot.IDENTIFIER or column.key == "transaction_number":
                raise ValueError(f"--set {column.name}: each row needs its own; give a column")
            yield column, _value(column, text)


def _value(column: Column, text: str) -> object:
    try:
        value = column.parse(text) if text else None
    except Refusal as refusal:
        raise ValueError(f"--set {column.name}: {refusal.problem}; {refusal.remedy}") from None
    if value is None:
        raise ValueError(f"--set {column.name}: the value is empty; write {column.name}=VALUE")
    return value


def _check(name: str, value: int | None, largest: int) -> None:
    if value is not None and not 1 <= value <= largest:
        raise ValueError(f"{name} is {value}; give 1 to {largest}")
