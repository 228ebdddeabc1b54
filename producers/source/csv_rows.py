"""Rows of a CSV file."""

from collections.abc import Iterator
from dataclasses import replace

from producers.source.assembly import Assembly
from producers.source.header import Header
from producers.source.lines import Lines
from producers.source.options import ReadOptions
from producers.source.records import Record, Records
from producers.source.row import BadRow, Doubt, Row

_MAYBE_CUT = Doubt(
    "last line without a line end",
    "",
    "the last line has no line end, as the other lines have: the file may be cut, and the row with "
    "it",
    "make sure that the file is whole, and end its last line",
)


def read_csv_rows(lines: Lines, header: Header, options: ReadOptions) -> Iterator[Row | BadRow]:
    """Read the lines after the header; every record that is not blank yields a good or bad row."""
    assemble = Assembly(options).assemble
    columns = header.columns
    for record in Records(lines, delimiter=header.delimiter, width=len(columns)):
        if isinstance(record, BadRow):
            yield record
            continue
        row = assemble(record.line, zip(columns, record.fields, strict=True))
        if record.last_line > record.line:
            row = _with_extent(row, record)
        if lines.ends_open and lines.is_unterminated and isinstance(row, Row):
            row = replace(row, doubts=(*row.doubts, _MAYBE_CUT))
        yield row


def _with_extent(row: Row | BadRow, record: Record) -> Row | BadRow:
    # a misplaced quote can merge several rows into one record: say where the record ends
    if isinstance(row, Row):
        return row
    return replace(row, problem=f"{row.problem} (the record runs to line {record.last_line})")
