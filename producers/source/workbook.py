"""One sheet of an .xlsx workbook, with its cells as the texts that a CSV export would hold."""

import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, NamedTuple

from issuance.display import shorten
from producers.fields.refusal import Refusal
from producers.source.inputs import CountedInput
from producers.source.unusable import UnusableFile
from producers.source.workbook_parts import MOST_BYTES, Fault, find_faults

EXACT_DIGITS = 15
"""Spreadsheets keep this many digits of a number."""

_ZIP = b"PK\x03\x04"
_LOST = (
    "format the column as text before the numbers are typed or pasted, and save the workbook again"
)


class SheetRow(NamedTuple):
    """One row of a sheet that is not empty."""

    number: int
    """As the spreadsheet program shows it."""
    cells: list[Any]
    faults: dict[int, Fault]
    """Cells without a value, by 0-based position."""
    is_readable: bool = True
    """Whether its cells could be read; without, there are none."""


class Sheet(NamedTuple):
    """A sheet in memory."""

    name: str
    others: tuple[str, ...]
    """The names of the workbook's other sheets."""
    first_column: int
    """1-based column of each row's first cell."""
    faults: dict[tuple[int, int], Fault]
    content: Any
    """Calamine's sheet."""

    @property
    def height(self) -> int:
        """Count of its rows, with the empty ones above."""
        return self.content.end[0] + 1 if self.content.end else 0

    def rows(self) -> Iterator[SheetRow]:
        """Iterate over the rows that are not empty."""
        by_row: dict[int, dict[int, Fault]] = {}
        for fault in self.faults.values():
            by_row.setdefault(fault.row, {})[fault.column - self.first_column] = fault
        nothing: dict[int, Fault] = {}
        for number, cells in enumerate(_converted(self.content, self.height), start=1):
            if cells is None:
                yield SheetRow(number, [], nothing, is_readable=False)
                continue
            faults = by_row.get(number, nothing)
            if faults or any(cell != "" and not _is_blank(cell) for cell in cells):
                yield SheetRow(number, cells, faults)


def is_workbook(raw: CountedInput) -> bool:
    """Whether a file is a workbook, or at least the archive that a workbook is."""
    return raw.peek(len(_ZIP)).startswith(_ZIP)


def load_sheet(stream: IO[bytes], name: str | None) -> Sheet:
    """Load a sheet: the one with this name, or the first that is visible.

    Raises:
        UnusableFile: it is no workbook, it has no such sheet, or the sheet is too large.
    """
    # Imported here: most files are not workbooks.
    import python_calamine  # noqa: PLC0415

    try:
        with zipfile.ZipFile(stream) as archive:
            _check_kind(archive)
            stream.seek(0)
            book = python_calamine.CalamineWorkbook.from_object(stream)
            chosen, others = _choose(book, name)
            faults = find_faults(archive, chosen)
            content = book.get_sheet_by_name(chosen)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        # RuntimeError: encrypted; NotImplementedError: an unknown compression
        raise UnusableFile(
            f"the workbook is damaged or not complete: {error}",
            "copy it again, or open it in a spreadsheet program and save it",
        ) from None
    except python_calamine.CalamineError as error:
        raise UnusableFile(
            f"the workbook cannot be read: {error}",
            "open it in a spreadsheet program and save it as .xlsx",
        ) from None
    first = content.start[1] + 1 if content.start else 1
    return Sheet(chosen, others, first, faults, content)


def spool(stream: io.RawIOBase) -> IO[bytes]:
    """Take a workbook from a stream that cannot be rewound.

    Raises:
        UnusableFile: it is too large.
    """
    content = io.BufferedReader(stream).read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UnusableFile(
            f"the workbook has more than {MOST_BYTES // 1024**2} MiB",
            "save its sheet as 'CSV UTF-8'",
        )
    return io.BytesIO(content)


def cell_text(value: Any) -> str:
    """Write a cell as a CSV export would, so that both files give the same rows.

    Raises:
        Refusal: a number has more digits than a spreadsheet keeps.
    """
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number_text(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)


def _number_text(value: float) -> str:
    if abs(value) >= 10**EXACT_DIGITS:
        raise Refusal("a number of more than 15 digits: a spreadsheet has rounded it", _LOST)
    # Spreadsheets show 15 digits: 0.1 + 0.2 is 0.3 there and in their exports.
    exact = Decimal(f"{value:.{EXACT_DIGITS}g}")
    return f"{exact:f}" if exact % 1 else str(int(exact))


def _converted(content: Any, height: int) -> Iterator[list[Any] | None]:
    """Iterate over the rows' cells; None is a row with a time span beyond all bounds."""
    rows = content.iter_rows()
    for _ in range(height):
        try:
            yield next(rows)
        except StopIteration:
            return
        except (OverflowError, ValueError):
            yield None


def _is_blank(cell: object) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _check_kind(archive: zipfile.ZipFile) -> None:
    names = archive.NameToInfo
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names or "mimetype" in names:
        raise UnusableFile(
            "the file is a workbook, but not .xlsx", "save it as .xlsx, or the sheet as 'CSV UTF-8'"
        )
    raise UnusableFile("the file is a ZIP archive", "unpack it, and give the file in it")


def _choose(book: Any, name: str | None) -> tuple[str, tuple[str, ...]]:
    sheets = [each for each in book.sheets_metadata if str(each.typ).endswith("WorkSheet")]
    names = [each.name for each in sheets]
    visible = [each.name for each in sheets if str(each.visible).endswith(".Visible")]
    if name is None:
        if not visible:
            raise UnusableFile("the workbook has no visible sheet", "name one with --sheet")
        chosen = visible[0]
    elif name in names:
        chosen = name
    else:
        raise UnusableFile(
            f"the workbook has no sheet '{shorten(name)}'",
            f"name one of its sheets: {', '.join(map(shorten, names))}",
        )
    return chosen, tuple(each for each in names if each != chosen)
