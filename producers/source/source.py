"""A campaign's file: its format, its checks, and the progress of reading."""

from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from producers.source.array_items import ArrayItems
from producers.source.blocks import read_blocks
from producers.source.columns import Columns
from producers.source.csv_rows import read_csv_rows
from producers.source.cut import Cut
from producers.source.header import read_delimiter, read_header
from producers.source.inputs import STANDARD_INPUT, CountedInput, FileInput, StandardInput
from producers.source.jsonl_rows import read_jsonl_rows
from producers.source.lines import Lines, first_filled
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Row
from producers.source.sheet_rows import read_sheet_rows
from producers.source.unusable import UnusableFile
from producers.source.workbook import Sheet, is_workbook, load_sheet, spool

_MOST_LEADING_BLANKS = 262_144
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


class Source:
    """A campaign's file; it is checked on creation and can be read many times.

    It is CSV, JSON lines, a JSON array or an .xlsx workbook; text may be UTF-8 or UTF-16, and
    compressed with gzip or zstd. The content decides, and among texts the suffix (.csv; .jsonl or
    .ndjson). With any other suffix, a file whose first character is "{" is JSON lines, one whose
    first character is "[" is a JSON array, and every other file is CSV.

    Attributes:
        path: The file; "-" is standard input, which can be read once.
        name: What records and messages call it; its suffix names the format.
        size: Its size in bytes when it was checked; 0 if it is not known.
        bytes_read: Bytes read by the latest `rows`, which reads less than 512 KiB ahead of its
            latest row; of a workbook, the share of the sheet that was read.
        unit: What a row's number counts: "line", "row" of a sheet, or "item" of an array.
        sheet: The sheet that is read; "" if the file is no workbook.
        other_sheets: The workbook's other sheets.

    Raises:
        UnusableFile: The file is missing, empty, not a regular file, not readable, or has no rows
            or no usable header.
    """

    def __init__(self, path: Path, options: ReadOptions, *, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)
        self._options = options
        self._input: StandardInput | FileInput = (
            StandardInput() if path == STANDARD_INPUT else FileInput(path)
        )
        self.size = self._input.size
        self.bytes_read = 0
        self.unit = "line"
        self.sheet = ""
        self.other_sheets: tuple[str, ...] = ()
        self._columns = Columns(options.mapping, options.country)
        self._checked: Iterator[Row | BadRow] | None = None
        self._check()

    @property
    def understood(self) -> dict[str, str]:
        """Names of columns so far that were understood as other words for ours, with our names."""
        return self._columns.understood

    def rows(self) -> Iterator[Row | BadRow]:
        """Read the file from its beginning: one good or bad row per record, in order.

        If the file turns out to be cut or changed, a bad row at the end says so.

        Raises:
            UnusableFile: The file has changed since the check, and can no longer be read.
            ValueError: It is standard input, which was read before.
        """
        if self._checked is not None:
            rows, self._checked = self._checked, None
            yield from rows
            return
        if not self._input.is_repeatable:
            raise ValueError("standard input can be read only once")
        self.bytes_read = 0
        with self._input.open() as stream:
            yield from self._reader(stream)

    def interrupt(self) -> None:
        """Take the end of standard input for a cut from now on: Ctrl-C ends its writer too."""
        if isinstance(self._input, StandardInput):
            self._input.is_interrupted = True

    def _check(self) -> None:
        stream = self._input.open()
        rows = self._reader(stream)
        try:
            first = _first_of(rows)
        except BaseException:
            stream.close()
            raise
        if self._input.is_repeatable:
            stream.close()
        if self.sheet or not self._input.is_repeatable:
            # what is in memory already, or cannot be read again, is kept for the first `rows`
            self._checked = chain([first], rows)
        else:
            rows.close()
            self.bytes_read = 0

    def _reader(self, stream: BinaryIO) -> Generator[Row | BadRow]:
        raw = CountedInput(stream, self._count)
        if is_workbook(raw):
            yield from self._sheet_rows(self._load(raw, stream))
            return
        if self._options.sheet is not None:
            raise UnusableFile("--sheet is given, and the file is no workbook", "leave it out")
        blocks, first = _peek(read_blocks(raw, lambda: self._input.check_unchanged(stream)))
        is_array = first == b"[" and self._suffix() != ".csv"
        records: Lines | ArrayItems = (ArrayItems if is_array else Lines)(
            blocks, self._options.max_record_bytes
        )
        self.unit = "item" if is_array else "line"
        is_empty = True
        for row in self._text_rows(records, first):
            is_empty = False
            yield row
        if records.cut is not None:
            if is_empty:
                raise UnusableFile(records.cut.problem, records.cut.remedy)
            yield BadRow(records.number + 1, "", records.cut.problem, records.cut.remedy)

    def _sheet_rows(self, sheet: Sheet) -> Iterator[Row | BadRow]:
        for row in read_sheet_rows(sheet, self._columns, self._options):
            # The sheet is in memory: what progresses is the reading of its rows.
            self.bytes_read = self.size * row.line // sheet.height
            yield row
        self.bytes_read = self.size

    def _text_rows(self, records: Lines | ArrayItems, first: bytes) -> Iterator[Row | BadRow]:
        if isinstance(records, ArrayItems) or self._is_jsonl(first):
            return read_jsonl_rows(records, self._columns, self._options)
        line = first_filled(records)
        delimiter = read_delimiter(line)
        if delimiter is not None:
            line = first_filled(records)
        header = read_header(line, self._options, self._columns, delimiter=delimiter)
        return read_csv_rows(records, header, self._options)

    def _is_jsonl(self, first: bytes) -> bool:
        match self._suffix():
            case ".csv":
                return False
            case ".jsonl" | ".ndjson":
                return True
            case _:
                return first == b"{"

    def _suffix(self) -> str:
        """The suffix that names the format: `.csv` of `customers.csv.gz`."""
        return _uncompressed(Path(self.name)).suffix.lower()

    def _load(self, raw: CountedInput, stream: BinaryIO) -> Sheet:
        if self._input.is_repeatable:
            sheet = load_sheet(stream, self._options.sheet)
        else:
            sheet = load_sheet(spool(raw), self._options.sheet)
            self.size = self.bytes_read
        try:
            self._input.check_unchanged(stream)
        except Cut as cut:
            raise UnusableFile(cut.problem, cut.remedy) from None
        self.unit, self.sheet, self.other_sheets = "row", sheet.name, sheet.others
        return sheet

    def _count(self, size: int) -> None:
        self.bytes_read += size


def read_rows(path: Path, options: ReadOptions) -> Iterator[Row | BadRow]:
    """Check a file and read it; see `Source`, which also counts the bytes read.

    Raises:
        UnusableFile: Raised immediately, before the first row is read.
    """
    return Source(path, options).rows()


def source_stem(path: Path) -> str:
    """Return a file's name without its suffixes: `customers` of `customers.csv.gz`."""
    return _uncompressed(path).stem


def _uncompressed(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path


def _peek(blocks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return the blocks unchanged, and the first byte that is not a blank; b"" if there is none."""
    beginning = b""
    try:
        for block in blocks:
            beginning += block
            if beginning.lstrip() or len(beginning) > _MOST_LEADING_BLANKS:
                break
    except Cut as cut:
        blocks = _cut_off(cut)
    return chain([beginning], blocks), beginning.lstrip()[:1]


def _cut_off(cut: Cut) -> Iterator[bytes]:
    yield b""
    raise cut


def _first_of(rows: Iterator[Row | BadRow]) -> Row | BadRow:
    first = next(rows, None)
    if first is None:
        raise UnusableFile(
            "the file has no rows", "export it again, with at least one row below the header"
        )
    return first
