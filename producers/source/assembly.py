"""Cells become a row: every column's rule is applied, then the rules that hold between columns."""

from collections.abc import Iterable
from typing import Any

from issuance.display import printable
from producers.source.columns import Column
from producers.source.options import ReadOptions
from producers.source.refusal import Refusal
from producers.source.row import BadRow, Identifier, IdentifierKind, Row


class Assembly:
    """Puts rows together; an empty cell is the same as none."""

    def __init__(self, options: ReadOptions) -> None:
        self._defaults: dict[str, Any] = {
            "reward_id": options.reward_id,
            "quantity": 1 if options.quantity is None else options.quantity,
            "payment_config_id": None,
            "redemption_value": None,
            "points": None,
            "org_id": None,
            "event_log_id": None,
            "notes": None,
        }

    def assemble(self, line: int, cells: Iterable[tuple[Column, str]]) -> Row | BadRow:
        """Make the row of these cells, or the bad row of the first problem among them."""
        identifiers: dict[IdentifierKind, Any] = {}
        attributes = self._defaults.copy()
        custom_fields: dict[str, Any] = {}
        # in Group's order
        groups: tuple[dict[Any, Any], ...] = (identifiers, attributes, custom_fields)
        for (name, group, key, parse), text in cells:
            if not text:
                continue
            try:
                value = parse(text)
            except Refusal as refusal:
                return BadRow(line, printable(name), refusal.problem, refusal.remedy)
            if value is not None:
                groups[group][key] = value
        if len(identifiers) != 1:
            return _misidentified(line, list(identifiers))
        if attributes["reward_id"] is None:
            return BadRow(
                line, "rewardId", "no rewardId", "fill it in, or give --reward-id for all rows"
            )
        ((kind, value),) = identifiers.items()
        return Row(line, Identifier(kind, value), custom_fields=custom_fields, **attributes)


def _misidentified(line: int, kinds: list[IdentifierKind]) -> BadRow:
    if kinds:
        return BadRow(
            line,
            kinds[-1],
            f"several identifiers: {', '.join(kinds)}",
            "keep one and empty the others",
        )
    return BadRow(line, "", "no identifier", "fill in one of mobile, email and externalId")
