"""The columns of a table and its first rows, read before anyone has said what they mean."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from producers.fields.refusal import Refusal
from producers.source.blocks import read_blocks
from producers.source.columns import Columns
from producers.source.header import check_no_data, read_delimiter, split_header
from producers.source.inputs import CountedInput, FileInput
from producers.source.lines import Lines, first_filled
from producers.source.options import ReadOptions
from producers.source.records import Record, Records
from producers.source.unusable import UnusableFile
from producers.source.workbook import Sheet, SheetRow, cell_text, is_workbook, load_sheet

_MOST_ROWS_READ = 100
"""A damaged file may have no good record among its first ones."""
_NO_TABLE = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}


class Preview(NamedTuple):
    """The beginning of a table."""

    names: list[str]
    """The columns' names, without unnamed ones at the end."""
    rows: list[list[str]]
    """The texts of the first rows. They may hold customers."""
    sheet: str = ""
    """The sheet of a workbook; "" for any other file."""
    other_sheets: tuple[str, ...] = ()


def read_preview(path: Path, finder: Columns, *, sheet: str | None, most: int) -> Preview:
    """Read the beginning of a CSV file or of a workbook's sheet.

    Args:
        path: the file.
        finder: finds our columns, by which the delimiter is chosen.
        sheet: the sheet of a workbook; None: its first visible one.
        most: how many rows.

    Raises:
        UnusableFile: the file is no table, or its first line is no header.
    """
    file = FileInput(path)
    with file.open() as stream:
        raw = CountedInput(stream, lambda _: None)
        if is_workbook(raw):
            return _of_sheet(load_sheet(stream, sheet), finder, most)
        lines = Lines(
            read_blocks(raw, lambda: file.check_unchanged(stream)), ReadOptions().max_record_bytes
        )
        return _of_lines(lines, finder, most)


def _of_lines(lines: Lines, finder: Columns, most: int) -> Preview:
    line = first_filled(lines)
    kind = _NO_TABLE.get(line.lstrip()[:1].decode(errors="replace"))
    if kind is not None:
        raise UnusableFile(
            f"the file is {kind}, not a table",
            "send CSV or .xlsx here; `issuance blast` reads JSON too",
        )
    delimiter = read_delimiter(line)
    if delimiter is not None:
        line = first_filled(lines)
    delimiter, names = split_header(line, finder, delimiter)
    records = Records(lines, delimiter=delimiter, width=len(names))
    good = (each.fields for each in islice(records, _MOST_ROWS_READ) if isinstance(each, Record))
    return _checked(names, list(islice(good, most)), finder)


def _of_sheet(sheet: Sheet, finder: Columns, most: int) -> Preview:
    rows = sheet.rows()
    first = next(rows, None)
    if first is None:
        raise UnusableFile(f"sheet '{sheet.name}' is empty", "choose another sheet, or fill it")
    names = _texts(first)
    found = [_texts(each) for each in islice(rows, most) if each.is_readable]
    return _checked(names, found, finder)._replace(sheet=sheet.name, other_sheets=sheet.others)


def _texts(row: SheetRow) -> list[str]:
    return [_text(cell) for cell in row.cells]


def _text(cell: object) -> str:
    try:
        return cell_text(cell)
    except Refusal as refusal:
        return f"({refusal.problem})"


def _checked(names: list[str], rows: list[list[str]], finder: Columns) -> Preview:
    check_no_data(names, finder)
    named = max((at for at, name in enumerate(names, start=1) if name.strip()), default=0)
    return Preview(names[:named], [row[:named] for row in rows])
