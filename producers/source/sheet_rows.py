"""Rows of a workbook's sheet."""

from collections.abc import Iterator
from dataclasses import replace

from issuance.display import mask
from producers.fields.refusal import Refusal
from producers.source.assembly import Assembly
from producers.source.columns import IGNORED, Column, Columns, Slot
from producers.source.header import resolve_header
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Doubt, Row
from producers.source.unusable import UnusableFile
from producers.source.workbook import Sheet, SheetRow, cell_text

_ROUNDED_TO = 1_000_000
_FEWEST_DIGITS = 10**9
_AS_TEXT = "format the column as text, so that no digit is lost"


def read_sheet_rows(sheet: Sheet, finder: Columns, options: ReadOptions) -> Iterator[Row | BadRow]:
    """Read the rows below the header, which is the first row that is not empty.

    Raises:
        UnusableFile: the sheet is empty, its first row is no header, or no row could be issued.
    """
    rows = sheet.rows()
    first = next(rows, None)
    if first is None:
        raise UnusableFile(
            f"sheet '{sheet.name}' is empty", "name another with --sheet, or fill it"
        )
    try:
        names = [cell_text(cell) for cell in first.cells]
    except Refusal as refusal:
        raise UnusableFile(f"the header has {refusal.problem}", refusal.remedy) from None
    return _rows(rows, resolve_header(names, options, finder), options)


def _rows(
    rows: Iterator[SheetRow], columns: tuple[Column, ...], options: ReadOptions
) -> Iterator[Row | BadRow]:
    assemble = Assembly(options).assemble
    identifiers = [at for at, column in enumerate(columns) if column.slot is Slot.IDENTIFIER]
    for row in rows:
        if not row.is_readable:
            problem = "a cell holds a date or a time span that is beyond all bounds"
            yield BadRow(row.number, "", problem, "correct it, or format the column as text")
            continue
        try:
            texts = [_text(row, at, column) for at, column in enumerate(columns)]
        except Refusal as refusal:
            yield BadRow(row.number, refusal.field, refusal.problem, refusal.remedy)
            continue
        made = assemble(row.number, zip(columns, texts, strict=True))
        if isinstance(made, Row) and any(isinstance(row.cells[at], float) for at in identifiers):
            made = _doubted(made)
        yield made


def _text(row: SheetRow, at: int, column: Column) -> str:
    if column is IGNORED:
        return ""
    fault = row.faults.get(at)
    if fault is not None:
        if fault.is_error:
            problem, remedy = "the cell holds an error, such as #N/A", "correct its formula"
        else:
            problem = "the cell holds a formula without its result"
            remedy = "open the workbook in a spreadsheet program and save it"
        raise Refusal(problem, remedy, column.name)
    try:
        return cell_text(row.cells[at])
    except Refusal as refusal:
        raise Refusal(refusal.problem, refusal.remedy, column.name) from None


def _doubted(row: Row) -> Row:
    """Doubt an identifier that is a number in the sheet, if digits of it may be lost."""
    kind, value = row.identifier.kind, row.identifier.value
    if kind == "externalId":
        doubt = Doubt(
            "externalId is a number in the sheet",
            kind,
            f"{mask(value)} is a number in the sheet, where leading zeros are lost",
            _AS_TEXT,
        )
    elif int(value) % _ROUNDED_TO == 0 and int(value) >= _FEWEST_DIGITS:
        doubt = Doubt(
            "mobile ends in 000000 and is a number in the sheet",
            kind,
            f"{mask(value)} is a number that ends in six zeros: it may have been rounded",
            _AS_TEXT,
        )
    else:
        return row
    return replace(row, doubts=(*row.doubts, doubt))
