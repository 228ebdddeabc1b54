"""Reads CSV records from physical lines; a quoted field may hold line breaks."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from producers.fields.refusal import Refusal
from producers.source.lines import Lines, decode
from producers.source.row import BadRow

_QUOTE = b'"'
_FORMULA_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_PAIR_UP = "put the whole field in double quotes, and double each quote inside it"


class Record(NamedTuple):
    """A record with as many fields as the header, from physical line `line` to `last_line`."""

    line: int
    last_line: int
    fields: list[str]


class Records:
    """Reads records of `width` fields.

    A record is a bad row, at its first line, if its quotes do not pair up or are not closed within
    the lines' limit, or if its number of fields is wrong. Reading resumes at the next line, and
    lines that were read ahead are read again. Reading takes linear time: only a line with an odd
    number of quotes reads ahead, at most to the next such line.
    """

    def __init__(self, lines: Lines, *, delimiter: str, width: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._width = width

    def __iter__(self) -> Iterator[Record | BadRow]:
        lines, delimiter, width = self._lines, self._delimiter, self._width
        for raw in lines:
            line = lines.number
            try:
                if raw is None:
                    raise lines.too_long()
                if _QUOTE in raw:
                    fields = self._read_quoted(raw)
                    if not any(map(str.strip, fields)):
                        continue
                elif raw.isspace() or not raw:
                    continue
                else:
                    fields = _split_unquoted(raw, delimiter)
                    if (not fields[0] or fields[0].isspace()) and not any(map(str.strip, fields)):
                        continue  # spreadsheets write an empty row as delimiters alone
                    if len(fields) != width:
                        raise _miscounted(len(fields), width)
            except Refusal as refusal:
                yield BadRow(line, "", refusal.problem, refusal.remedy)
            else:
                yield Record(line, lines.number, fields)

    def _read_quoted(self, first: bytes) -> list[str]:
        try:
            # the first line is often the whole record; a quote inside a field (5" pipe) opens
            # nothing
            return self._parse(first)
        except Refusal:
            if first.count(_QUOTE) % 2 == 0:
                raise
            following = self._take_to_closing_quote(len(first))
        record = b"\n".join([first, *following])
        try:
            self._check_shape(record.decode(errors="replace"))
        except Refusal:
            self._lines.put_back(following)
            raise
        return self._parse(record)

    def _take_to_closing_quote(self, size: int) -> list[bytes]:
        """Read ahead to the next line with an odd number of quotes, or refuse and read nothing."""
        taken: list[bytes | None] = []
        kept: list[bytes] = []
        for line in self._lines:
            taken.append(line)
            size += 1 + (self._lines.limit if line is None else len(line))
            if line is None or size > self._lines.limit:
                break
            kept.append(line)
            if line.count(_QUOTE) % 2:
                return kept
        self._lines.put_back(taken)
        raise Refusal(
            "a double quote is not closed by the end of the file or within "
            f"{self._lines.limit} bytes",
            "close the quote; the lines after it were read as rows of their own",
        )

    def _parse(self, record: bytes) -> list[str]:
        return self._check_shape(decode(record))

    def _check_shape(self, record: str) -> list[str]:
        fields = parse_quoted(record.removesuffix("\r"), self._delimiter)
        if len(fields) != self._width:
            raise _miscounted(len(fields), self._width)
        if '="' not in record:
            return fields
        return [unwrap(field) if field.startswith('="') else field for field in fields]


def unwrap(field: str) -> str:
    """Read `="0012"`, by which programs make spreadsheets keep a cell's text."""
    text = _FORMULA_TEXT.fullmatch(field)
    return text[1].replace('""', '"') if text else field


def parse_quoted(record: str, delimiter: str) -> list[str]:
    """Split one record that holds quotes.

    Raises:
        Refusal: The quotes do not pair up, or a line ends outside of quotes.
    """
    try:
        # without strict, a quote that is not closed, or closed too early, passes as text
        return next(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error:
        raise Refusal("the double quotes do not pair up", _PAIR_UP) from None


def _split_unquoted(raw: bytes, delimiter: str) -> list[str]:
    text = decode(raw).removesuffix("\r")
    if "\r" in text:
        raise Refusal("a field without quotes holds a carriage return", _PAIR_UP)
    return text.split(delimiter)


def _miscounted(fields: int, width: int) -> Refusal:
    return Refusal(
        f"row has {fields} {'field' if fields == 1 else 'fields'}, the header {width}",
        "give one value per column of the header, and put a value that holds the delimiter in "
        "double quotes",
    )
