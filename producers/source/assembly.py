"""Makes a row from its cells: applies each column's rule, then the rules between columns."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from issuance.display import printable
from producers.fields.field import Described
from producers.fields.line import ALTERNATIVES, CALL, NO_CALL_FIELDS, CallFields, Reward
from producers.fields.reading import ReadAs, bare
from producers.fields.refusal import Refusal
from producers.source.columns import Column, Slot
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Identifier, IdentifierKind, Row

Cells = Iterable[tuple[Column, str]]
_Key = tuple[str | int, ...]
_Values = dict[str, Any]

_LISTS: Mapping[str, Described] = {each.key: each for each in CALL if each.is_list}


class Assembly:
    """Makes rows from cells; an empty cell counts as no cell."""

    def __init__(self, options: ReadOptions) -> None:
        self._reward_defaults, self._call_defaults = _read_defaults(options)
        self._has_defaults = bool(self._reward_defaults or self._call_defaults)
        self._call: _Values = {}
        self._call_fields = NO_CALL_FIELDS

    def assemble(self, line: int, cells: Cells, more: Iterable[Cells] = ()) -> Row | BadRow:
        """Make the row of these cells, or a bad row with their first problem.

        Args:
            line: where the record starts.
            cells: the cells of the row, with its first reward.
            more: the cells of further rewards of the same call.
        """
        identifiers: dict[IdentifierKind, Any] = {}
        reward: _Values = {}
        call: _Values = {}
        maps: dict[tuple[str, str], Any] = {}
        nested: dict[_Key, Any] = {}
        # In the order of `Slot`.
        values: tuple[dict[Any, Any], ...] = (identifiers, reward, call, maps, nested)
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
        if maps or nested:
            _place(maps, nested, reward, call)
        if self._has_defaults:
            _fill(reward, self._reward_defaults)
            _fill(call, self._call_defaults)
        if "reward_id" not in reward and "reward_external_id" not in reward:
            return BadRow(
                line, "rewardId", "no rewardId", "fill it in, or give --reward-id for all rows"
            )
        ((kind, value),) = identifiers.items()
        call_fields = self._read_call(call) if call else NO_CALL_FIELDS
        row = Row(line, Identifier(kind, value), Reward(**reward), call_fields, read_as)
        return self._with_rewards(row, more) if more else row

    def _read_call(self, call: _Values) -> CallFields:
        if call != self._call:
            # Most rows of a file have the same call fields, so the last object is reused.
            self._call, self._call_fields = call, CallFields(**call)
        return self._call_fields

    def _with_rewards(self, row: Row, more: Iterable[Cells]) -> Row | BadRow:
        """Add the further rewards of a row: each is assembled as a row of the same customer."""
        rewards: list[Reward] = []
        read_as = row.read_as
        identifier = (_identifier_column(row.identifier.kind), row.identifier.value)
        for cells in more:
            other = self.assemble(row.line, [identifier, *cells])
            if isinstance(other, BadRow):
                return other
            rewards.append(other.reward)
            read_as += other.read_as
        return replace(row, more=tuple(rewards), read_as=read_as)


def _identifier_column(kind: IdentifierKind) -> Column:
    return Column(kind, Slot.IDENTIFIER, kind, str)


def _place(
    maps: Mapping[tuple[str, str], Any], nested: Mapping[_Key, Any], reward: _Values, call: _Values
) -> None:
    """Put the values of maps and of items of lists into their fields."""
    for (map_key, own), value in maps.items():
        reward.setdefault(map_key, {})[own] = value
    if nested:
        _place_nested(nested, call)


def _place_nested(nested: Mapping[_Key, Any], call: _Values) -> None:
    lists: dict[str, dict[Any, _Values]] = {}
    for (key, *rest), value in nested.items():
        field = str(key)
        if field in _LISTS:
            place, part, *name = rest
            item = lists.setdefault(field, {}).setdefault(place, {})
            if name:
                item.setdefault(str(part), {})[name[0]] = value
            else:
                item[str(part)] = value
        else:
            call.setdefault(field, {})[rest[0]] = value
    for field, items in lists.items():
        # Places without values leave no gap: an empty cell counts as no cell.
        call[field] = tuple(_LISTS[field].item(**items[place]) for place in sorted(items))


def _fill(given: _Values, defaults: Mapping[str, Any]) -> None:
    """Add the defaults of fields that the row leaves out; its own values win, also in maps."""
    own = frozenset(given)
    for key, value in defaults.items():
        if key in own:
            if isinstance(value, dict):
                given[key] = {**value, **given[key]}
        elif not any(key in group and group & own for group in ALTERNATIVES):
            given[key] = value


def _read_defaults(options: ReadOptions) -> tuple[_Values, _Values]:
    reward: _Values = {}
    call: _Values = {}
    maps: dict[tuple[str, str], Any] = {}
    nested: dict[_Key, Any] = {}
    values: tuple[dict[Any, Any], ...] = ({}, reward, call, maps, nested)
    for column, value in options.default_values():
        values[column.slot][column.key] = bare(value)
    _place(maps, nested, reward, call)
    return reward, call


def _misidentified(line: int, kinds: list[IdentifierKind]) -> BadRow:
    if kinds:
        return BadRow(
            line,
            kinds[-1],
            f"several identifiers: {', '.join(kinds)}",
            "keep one and empty the others",
        )
    return BadRow(line, "", "no identifier", "fill in one of mobile, email and externalId")
