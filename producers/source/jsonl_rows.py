"""Rows of a JSONL file: one object per line, flat or nested as the API's body is."""

import json
from collections.abc import Iterator

from issuance.display import shorten
from producers.fields.refusal import Refusal
from producers.source.array_items import ArrayItems
from producers.source.assembly import Assembly
from producers.source.columns import (
    IGNORED,
    REWARDS,
    Column,
    Columns,
    Slot,
    is_container,
    is_map,
    own_reward_column,
    plain,
    suggest,
)
from producers.source.lines import Lines, decode
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Row

# The decoder below returns an object as pairs, so that a repeated key is found; an array stays a
# list.
_Pairs = tuple[tuple[str, object], ...]
_Cell = tuple[Column, str]

# Names inside objects are the API's: a file's mapping is for its own names.
_OURS = Columns({})

_ONE_OBJECT = (
    'write one JSON object per line, for example {"mobile": "919800000001", "rewardId": 1001}'
)


def _refuse_constant(name: str) -> object:
    raise Refusal(f"{name} is not JSON", "write a number, or leave the key out")


# Numbers stay text and follow the same rules as CSV cells, so that no digit is lost.
_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=_refuse_constant
)


def read_jsonl_rows(
    lines: Lines | ArrayItems, columns: Columns, options: ReadOptions
) -> Iterator[Row | BadRow]:
    """Read one good or bad row from each line that is not blank; null and "" count as no key."""
    assemble = Assembly(options).assemble
    for raw in lines:
        try:
            if raw is None:
                raise lines.too_long()
            if raw.strip():
                cells, more = read_cells(_parse(raw), columns)
                yield assemble(lines.number, cells, more)
        except Refusal as refusal:
            yield BadRow(lines.number, refusal.field, refusal.problem, refusal.remedy)


def read_cells(pairs: _Pairs, columns: Columns) -> tuple[list[_Cell], list[list[_Cell]]]:
    """Read a record's cells, with those of its first reward, and those of each further reward.

    Args:
        pairs: the record's object; an object in it is a tuple of pairs too.
        columns: finds the columns.

    Raises:
        Refusal: a key is unknown or given twice, or a value has no place in a cell.
    """
    lists = [key for key, value in pairs if value.__class__ is list]
    rewards = [value for key, value in pairs if _is_rewards(key, value)] if lists else []
    if not rewards:
        return _unique(_flatten(pairs, columns)), []
    rest = _flatten([pair for pair in pairs if not _is_rewards(*pair)], columns)
    if len(rewards) > 1:
        raise Refusal("given twice in one object", "keep one of them", REWARDS)
    first, *further = [list(_reward_cells(each)) for each in _objects(rewards[0])]
    cells = list(rest)
    if further:
        _refuse_shared(cells)
    return _unique(iter(cells + first)), [_unique(iter(each)) for each in further]


def _is_rewards(key: str, value: object) -> bool:
    return isinstance(value, list) and plain(key) == REWARDS


def _objects(value: object) -> list[_Pairs]:
    found = value if isinstance(value, list) else []
    if not found or not all(isinstance(each, tuple) for each in found):
        raise Refusal("it holds no objects", 'write [{"rewardId": 1001}]', REWARDS)
    return found


def _refuse_shared(cells: list[tuple[Column, object]]) -> None:
    """Refuse a reward's field next to several rewards: it does not say whose it is."""
    for column, _ in cells:
        if own_reward_column(column.name) is not None:
            raise Refusal(
                "it is next to several rewards", "write it into each of them", column.name
            )


def _parse(raw: bytes) -> _Pairs:
    try:
        parsed = _DECODER.decode(decode(raw))
    except json.JSONDecodeError as error:
        raise Refusal(f"not JSON: {error.msg} at character {error.colno}", _ONE_OBJECT) from None
    except RecursionError:
        raise Refusal("too deeply nested", _ONE_OBJECT) from None
    if not isinstance(parsed, tuple):
        raise Refusal("not a JSON object", _ONE_OBJECT)
    return parsed


def _unique(found: Iterator[tuple[Column, object]]) -> list[_Cell]:
    cells: list[_Cell] = []
    seen: set[str] = set()
    for column, value in found:
        if column is IGNORED:
            continue
        if column.name in seen:
            raise Refusal("given twice in one object", "keep one of them", shorten(column.name))
        seen.add(column.name)
        if column.slot >= Slot.MAP and not column.name.isprintable():
            raise Refusal(
                "the name holds an invisible character",
                "remove it",
                shorten(column.name),
            )
        cells.append((column, _cell(column, value)))
    return cells


def _reward_cells(pairs: _Pairs) -> Iterator[tuple[Column, object]]:
    """Read one of the API's rewards, whose params are its own."""
    for key, value in pairs:
        if plain(key) == "params":
            yield from _named("rewardParams", value)
        elif (column := own_reward_column(key)) is not None:
            yield column, value
        elif is_container(key) or is_map(key):
            yield from _flatten(((key, value),), _OURS)
        else:
            raise Refusal(f"unknown key '{shorten(key)}' in rewards", suggest(key), shorten(key))


def _flatten(
    pairs: _Pairs | list[tuple[str, object]], columns: Columns, prefix: str = ""
) -> Iterator[tuple[Column, object]]:
    for key, value in pairs:
        name = prefix + key if prefix else key
        column = columns.find(name)
        if column is not None:
            yield column, value
        elif is_map(name):
            yield from _named(name, value)
        elif is_container(name):
            yield from _inside(name, value, columns)
        else:
            raise Refusal(f"unknown key '{shorten(name)}'", suggest(name), shorten(name))


def _inside(name: str, value: object, columns: Columns) -> Iterator[tuple[Column, object]]:
    """Read an object or list of the API's nesting; its keys are named with dots."""
    if value is None:
        return
    if isinstance(value, tuple):
        yield from _flatten(value, columns, f"{name}.")
    elif isinstance(value, list) and all(isinstance(item, tuple) for item in value):
        for place, item in enumerate(value):
            yield from _flatten(item, columns, f"{name}.{place}.")
    else:
        raise Refusal("it is not an object", "write it as the API has it", shorten(name))


def _named(name: str, value: object) -> Iterator[tuple[Column, object]]:
    """Read an object with names that the file chooses."""
    if value is None:
        return
    if not isinstance(value, tuple):
        raise Refusal("it is not an object", 'write {"NAME": "value"}', shorten(name))
    for own, given in value:
        column = _OURS.find(f"{name}.{own.strip()}") if own.strip() else None
        if column is None:
            raise Refusal("a value in it has no name", "name it, or leave it out", shorten(name))
        yield column, given


def _cell(column: Column, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(
            "neither a text nor a number", "write a text or a number", shorten(column.name)
        )
    return value
