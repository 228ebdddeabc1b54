"""The header of a CSV file: its delimiter, and the position of each of our columns."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from issuance.display import shorten
from producers.fields.refusal import Refusal
from producers.source.columns import IGNORED, Column, Columns, Slot, plain, suggest
from producers.source.lines import decode
from producers.source.options import ReadOptions
from producers.source.records import parse_quoted, unwrap
from producers.source.unusable import UnusableFile

_DELIMITERS = (",", ";", "\t")
_NAMED_DELIMITER = re.compile(rb'("?)sep=([,;|\t])\1', re.IGNORECASE)
_LOOKS_LIKE_DATA = re.compile(r"@|[0-9]{10}|^[+0-9][-0-9 .]*$|^[{\[]")


class Header(NamedTuple):
    """The delimiter and the columns of a CSV file."""

    delimiter: str
    columns: tuple[Column, ...]


def read_header(
    raw: bytes, options: ReadOptions, finder: Columns, *, delimiter: str | None = None
) -> Header:
    """Read the header; its delimiter is the one that yields the most known columns.

    Args:
        raw: the line.
        options: how to read the file.
        finder: finds the columns.
        delimiter: the delimiter if the file names it.

    Raises:
        UnusableFile: The line is not a header, or no row below it could be issued.
    """
    used, names = split_header(raw, finder, delimiter)
    return Header(used, resolve_header(names, options, finder))


def split_header(raw: bytes, finder: Columns, delimiter: str | None) -> tuple[str, list[str]]:
    """Return the delimiter and the names of a header, which may not be known.

    Raises:
        UnusableFile: the line is not text.
    """
    among = _DELIMITERS if delimiter is None else (delimiter,)
    return _split(_text(raw), finder, among)


def resolve_header(names: list[str], options: ReadOptions, finder: Columns) -> tuple[Column, ...]:
    """Find the columns of a header's names.

    Raises:
        UnusableFile: It is not a header, or no row below it could be issued.
    """
    _check_mapping(names, options.mapping)
    check_no_data(names, finder)
    _check_quotes(names, finder)
    named = max((at for at, name in enumerate(names, start=1) if name.strip()), default=0)
    columns = tuple(
        _resolve(position, name, finder) if position <= named else _unnamed(position)
        for position, name in enumerate(names, start=1)
    )
    _check_duplicates(names, columns)
    _check_one_customer(names, columns, finder)
    _check_sufficient(columns, options)
    return columns


def read_delimiter(raw: bytes) -> str | None:
    """Return the delimiter of a line such as `sep=;`, which Excel writes above a header."""
    named = _NAMED_DELIMITER.fullmatch(raw.rstrip())
    return named[2].decode() if named else None


def _text(raw: bytes) -> str:
    try:
        text = decode(raw).removesuffix("\r")
    except Refusal as refusal:
        raise UnusableFile(f"the header is not text: {refusal.problem}", refusal.remedy) from None
    if "\r" in text:
        raise UnusableFile(
            "the lines end in lone carriage returns", "save the file with LF or CRLF line ends"
        )
    return text


def _split(text: str, finder: Columns, among: Sequence[str]) -> tuple[str, list[str]]:
    """Choose the delimiter; on a tie the first of comma, semicolon, tab that splits the line."""

    def score(split: tuple[str, list[str]]) -> tuple[int, bool]:
        _, names = split
        return sum(finder.find(name) is not None for name in names), len(names) > 1

    splits = []
    for delimiter in among:
        # a quoted header splits only at its own delimiter
        with suppress(Refusal):
            splits.append((delimiter, [unwrap(each) for each in parse_quoted(text, delimiter)]))
    return max(splits, key=score, default=(among[0], [text]))


def check_no_data(names: list[str], finder: Columns) -> None:
    """Make sure that a header's names are none of a customer's values.

    Raises:
        UnusableFile: one looks like it.
    """
    # the error for an unknown column shows its name, which could be a customer's identifier
    for name in names:
        if _LOOKS_LIKE_DATA.search(name.strip()) and finder.find(name) is None:
            raise UnusableFile(
                "the first line looks like data, not like a header",
                "put the columns' names in the first line",
            )


def _check_quotes(names: list[str], finder: Columns) -> None:
    if any('"' in name and finder.find(name) is None for name in names):
        raise UnusableFile(
            "the header's double quotes do not pair up",
            "keep the header in one line, and close each quote in it",
        )


def _resolve(position: int, name: str, finder: Columns) -> Column:
    column = finder.find(name)
    if column is not None:
        return column
    if not name.strip():
        raise UnusableFile(
            f"column {position} has no name in the header", "name it, or delete the column"
        )
    raise UnusableFile(f"unknown column '{shorten(name)}'", suggest(name))


def _unnamed(position: int) -> Column:
    """Make the column after the last named one: spreadsheets export it, empty in every row."""

    def refuse_value(text: str) -> None:
        if text.strip():
            raise Refusal(
                f"column {position} has no name in the header, and has a value here",
                "name the column, or delete it",
            )

    return IGNORED._replace(name="", parse=refuse_value)


def _check_one_customer(names: list[str], columns: tuple[Column, ...], finder: Columns) -> None:
    """Refuse a customer's number next to another identifier: only its author knows which counts."""
    kinds = [
        (name, column)
        for name, column in zip(names, columns, strict=True)
        if column.slot is Slot.IDENTIFIER and column is not IGNORED
    ]
    for name, column in kinds:
        if column.name == "externalId" and name.strip() in finder.understood and len(kinds) > 1:
            other = next(each for each, found in kinds if found is not column)
            raise UnusableFile(
                f"the columns '{shorten(other)}' and '{shorten(name)}' both name the customer",
                f"say whether '{shorten(name)}' is read, with --map '{shorten(name)}=externalId', "
                f"or ignored, with --map '{shorten(name)}=-'",
            )


def _check_duplicates(names: list[str], columns: tuple[Column, ...]) -> None:
    seen: dict[str, str] = {}
    for name, column in zip(names, columns, strict=True):
        if column.key and column.name in seen:
            raise UnusableFile(
                f"the columns '{shorten(seen[column.name])}' and '{shorten(name)}' are the same "
                "to us",
                "keep one of them; if their names differ, --map THEIRS=- ignores the other",
            )
        seen[column.name] = name


def _check_mapping(names: list[str], mapping: Mapping[str, str]) -> None:
    present = {plain(name) for name in names}
    for theirs in mapping:
        if plain(theirs) not in present:
            raise UnusableFile(
                f"the file has no column '{shorten(theirs)}' to map",
                "write --map THEIRS=OURS as the header spells it",
            )


def _check_sufficient(columns: tuple[Column, ...], options: ReadOptions) -> None:
    if not any(column.slot == Slot.IDENTIFIER for column in columns):
        raise UnusableFile(
            "no column names the customer",
            "give a column mobile, email or externalId, or map one with --map",
        )
    keys = {column.key for column in columns}
    if not options.names_reward and keys.isdisjoint({"reward_id", "reward_external_id"}):
        raise UnusableFile(
            "no column names the reward", "give a column rewardId, or --reward-id for all rows"
        )
