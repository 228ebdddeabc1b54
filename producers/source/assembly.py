"""Makes a row from its cells: applies each column's rule, then the rules between columns."""

from collections.abc import Iterable
from typing import Any

from issuance.display import printable
from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward
from producers.fields.reading import ReadAs
from producers.fields.refusal import Refusal
from producers.source.columns import Column
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Identifier, IdentifierKind, Row


class Assembly:
    """Makes rows from cells; an empty cell counts as no cell."""

    def __init__(self, options: ReadOptions) -> None:
        given = {"reward_id": options.reward_id, "quantity": options.quantity}
        self._defaults: dict[str, Any] = {
            key: value for key, value in given.items() if value is not None
        }

        self._call: dict[str, Any] = {}
        self._call_fields = NO_CALL_FIELDS

    def assemble(self, line: int, cells: Iterable[tuple[Column, str]]) -> Row | BadRow:
        """Make the row of these cells, or a bad row with their first problem."""
        identifiers: dict[IdentifierKind, Any] = {}
        reward = self._defaults.copy()
        call: dict[str, Any] = {}
        maps: dict[tuple[str, str], Any] = {}
        # In the order of `Slot`.
        values: tuple[dict[Any, Any], ...] = (identifiers, reward, call, maps)
        read_as: tuple[str, ...] = ()
        for (name, slot, key, parse), text in cells:
            if not text:
                continue
            try:
                value: Any = parse(text)
            except Refusal as refusal:
                return BadRow(line, printable(name), refusal.problem, refusal.remedy)
            if value.__class__ is ReadAs:
                read_as = (*read_as, f"{name}: {value.kind}")
                value = value.value
            if value is not None:
                values[slot][key] = value
        if len(identifiers) != 1:
            return _misidentified(line, list(identifiers))
        if "reward_id" not in reward:
            return BadRow(
                line, "rewardId", "no rewardId", "fill it in, or give --reward-id for all rows"
            )
        for (field, name), value in maps.items():
            reward.setdefault(field, {})[name] = value
        ((kind, value),) = identifiers.items()
        if call != self._call:
            # Most rows of a file have the same call fields, so the last object is reused.
            self._call, self._call_fields = call, CallFields(**call)
        call_fields = self._call_fields if call else NO_CALL_FIELDS
        return Row(line, Identifier(kind, value), Reward(**reward), call_fields, read_as)


def _misidentified(line: int, kinds: list[IdentifierKind]) -> BadRow:
    if kinds:
        return BadRow(
            line,
            kinds[-1],
            f"several identifiers: {', '.join(kinds)}",
            "keep one and empty the others",
        )
    return BadRow(line, "", "no identifier", "fill in one of mobile, email and externalId")
