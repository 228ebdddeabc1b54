"""Rows of a JSONL file: one object per line."""

import json
from collections.abc import Iterator

from issuance.display import shorten
from producers.fields.field import Described
from producers.fields.refusal import Refusal
from producers.source.assembly import Assembly
from producers.source.columns import (
    IGNORED,
    Column,
    Columns,
    Slot,
    find_map,
    map_column,
    suggest,
)
from producers.source.lines import Lines, decode
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Row

# The decoder below returns an object as pairs, so that a repeated key is found; an array stays a
# list.
_Pairs = tuple[tuple[str, object], ...]

_ONE_OBJECT = (
    'write one JSON object per line, for example {"mobile": "919800000001", "rewardId": 1001}'
)


def _refuse_constant(name: str) -> object:
    raise Refusal(f"{name} is not JSON", "write a number, or leave the key out")


# Numbers stay text and follow the same rules as CSV cells, so that no digit is lost.
_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=_refuse_constant
)


def read_jsonl_rows(lines: Lines, columns: Columns, options: ReadOptions) -> Iterator[Row | BadRow]:
    """Read one good or bad row from each line that is not blank; null and "" count as no key."""
    assemble = Assembly(options).assemble
    for raw in lines:
        try:
            if raw is None:
                raise lines.too_long()
            if raw.strip():
                yield assemble(lines.number, list(_cells(_parse(raw), columns)))
        except Refusal as refusal:
            yield BadRow(lines.number, refusal.field, refusal.problem, refusal.remedy)


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


def _cells(pairs: _Pairs, columns: Columns) -> Iterator[tuple[Column, str]]:
    seen: set[str] = set()
    for column, value in _flatten(pairs, columns):
        if column is IGNORED:
            continue
        if column.name in seen:
            raise Refusal("given twice in one object", "keep one of them", shorten(column.name))
        seen.add(column.name)
        if column.slot is Slot.MAP and not column.name.isprintable():
            raise Refusal(
                "the name holds an invisible character",
                "remove it",
                shorten(column.name),
            )
        yield column, _cell(column, value)


def _flatten(pairs: _Pairs, columns: Columns) -> Iterator[tuple[Column, object]]:
    for key, value in pairs:
        column = columns.find(key)
        if column is not None:
            yield column, value
        elif (described := find_map(key)) is not None:
            yield from _map_cells(described, value)
        else:
            raise Refusal(f"unknown key '{shorten(key)}'", suggest(key), shorten(key))


def _map_cells(described: Described, value: object) -> Iterator[tuple[Column, object]]:
    if value is None:
        return
    field = described.field.name
    if not isinstance(value, tuple):
        raise Refusal("it is not an object", 'write {"NAME": "value"}', field)
    for name, given in value:
        if not name.strip():
            raise Refusal("a value in it has no name", "name it, or leave it out", field)
        yield map_column(described, name.strip()), given


def _cell(column: Column, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(
            "neither a text nor a number", "write a text or a number", shorten(column.name)
        )
    return value
