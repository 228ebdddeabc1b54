"""The parts of an .xlsx file that calamine does not show: sizes, and cells without a value.

Calamine returns an empty text for a cell that holds an error (`#N/A`) or a formula that no program
has computed. Read as empty, a quantity of `#N/A` would become the default of one.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

from producers.source.unusable import UnusableFile

MOST_BYTES = 256 * 1024 * 1024
"""The largest sheet, and the largest table of its texts, uncompressed."""

_SMALL_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_LONGEST_CELL = 70_000
"""Bytes kept of a chunk, so that a cell that spans two is found; a formula has 8,192 characters."""
_MOST_FAULTS = 100_000
_FAULT = re.compile(
    rb"""\st=["']e["']|</(?:\w+:)?f>\s*</(?:\w+:)?c>|<(?:\w+:)?f(?:\s[^>]*)?/>\s*</(?:\w+:)?c>"""
)
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_CELL_START = re.compile(rb"<(?:\w+:)?c\s")
_WORKSHEET = "/worksheet"
_TEXTS = "xl/sharedStrings.xml"


class Fault(NamedTuple):
    """A cell without a value of its own."""

    row: int
    column: int
    """1-based."""
    is_error: bool
    """Whether it holds an error; otherwise a formula without its result."""


def find_faults(archive: zipfile.ZipFile, sheet_name: str) -> dict[tuple[int, int], Fault]:
    """Find the cells of a sheet that have no value, by row and column; check all sizes first.

    Raises:
        UnusableFile: the workbook is damaged, or too large.
    """
    part = _find_part(archive, sheet_name)
    for each in (part, _TEXTS, "xl/styles.xml"):
        if each in archive.NameToInfo and archive.getinfo(each).file_size > MOST_BYTES:
            raise _too_large()
    faults: dict[tuple[int, int], Fault] = {}
    for fault in _scan(archive, part):
        faults[fault.row, fault.column] = fault
        if len(faults) > _MOST_FAULTS:
            raise UnusableFile(
                f"more than {_MOST_FAULTS:,} cells hold errors or formulas without a result",
                "open the workbook in a spreadsheet program, correct it and save it",
            )
    return faults


def _too_large() -> UnusableFile:
    return UnusableFile(
        f"the sheet has more than {MOST_BYTES // 1024**2} MiB, and a sheet is held in memory",
        "save it as 'CSV UTF-8', which is read in constant memory whatever its size",
    )


def _find_part(archive: zipfile.ZipFile, sheet_name: str) -> str:
    """Find the file in the archive that holds a sheet."""
    relation = ""
    for tag, attributes in _elements(archive, "xl/workbook.xml"):
        if tag == "sheet" and attributes.get("name") == sheet_name:
            relation = attributes.get("id", "")
    for tag, attributes in _elements(archive, "xl/_rels/workbook.xml.rels"):
        if tag == "Relationship" and attributes.get("Id") == relation:
            target = attributes.get("Target", "")
            part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            if part in archive.NameToInfo:
                return part
    raise UnusableFile(f"the workbook has no part for sheet '{sheet_name}'", "save it again")


def _elements(archive: zipfile.ZipFile, part: str) -> list[tuple[str, dict[str, str]]]:
    """List the elements of a small part, names without their namespaces."""
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        found.append((name.rpartition(" ")[2], local))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    try:
        with archive.open(part) as stream:
            parser.Parse(stream.read(_SMALL_BYTES), True)
    except (KeyError, expat.ExpatError) as error:
        raise UnusableFile(
            f"the workbook's {part} cannot be read: {error}", "save it again"
        ) from None
    return found


def _scan(archive: zipfile.ZipFile, part: str) -> Iterator[Fault]:
    """Read a sheet's XML in chunks, and find cells without a value."""
    size = 0
    kept = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > MOST_BYTES:
                raise _too_large()
            text = kept + chunk
            # A match that ends in what was kept was found with the chunk before.
            for found in _FAULT.finditer(text, max(0, len(kept) - 20)):
                if found.end() > len(kept) and (fault := _fault(text, found)) is not None:
                    yield fault
            kept = text[-_LONGEST_CELL:]


def _fault(text: bytes, found: re.Match[bytes]) -> Fault | None:
    is_error = not found[0].startswith(b"<")
    start = text.rfind(b"<", 0, found.start()) if is_error else _cell_start(text, found.start())
    if start < 0 or not _CELL_START.match(text, start):
        return None  # the same letters within a text
    cell = _CELL.match(text, start)
    if cell is None:
        raise UnusableFile(
            "a cell of the sheet holds an error or a formula without a result",
            "open the workbook in a spreadsheet program, correct it and save it",
        )
    return Fault(int(cell[2]), _column_number(cell[1]), is_error)


def _cell_start(text: bytes, before: int) -> int:
    starts = [text.rfind(mark, 0, before) for mark in (b"<c ", b":c ")]
    plain, prefixed = starts
    return plain if plain >= prefixed else text.rfind(b"<", 0, prefixed)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
