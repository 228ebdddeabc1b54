"""Rows of an .xlsx workbook: typed cells, sheets, and what a spreadsheet has destroyed."""

import sys
import zipfile
from datetime import date, datetime
from types import SimpleNamespace

import pytest
import xlsxwriter

from producers.source import (
    STANDARD_INPUT,
    BadRow,
    Identifier,
    ReadOptions,
    Row,
    Source,
    UnusableFile,
    read_rows,
    workbook_parts,
)
from tests.workbooks import write_workbook

HEADER = ("mobile", "rewardId", "quantity", "notes")
GOOD = (919800000001, 1001, 2, "hello")


@pytest.fixture
def book(tmp_path):
    """Write a workbook of one sheet and read it."""

    def write(*rows, options=None, **sheets):
        path = write_workbook(tmp_path / "blast.xlsx", {"Customers": rows} | sheets)
        return list(read_rows(path, options or ReadOptions()))

    return write


def test_numbers_are_read_as_whole_numbers_with_the_sheets_row(book):
    first, second = book(HEADER, GOOD, (), ("919800000002", "1001", 1, None))

    assert (first.line, second.line) == (2, 4)
    assert first.identifier == Identifier("mobile", "919800000001")
    assert (first.reward.reward_id, first.reward.quantity, first.call.notes) == (1001, 2, "hello")
    assert first.read_as == ()
    assert second.reward.quantity == 1


def test_a_workbook_gives_the_same_rows_as_the_csv_of_it(book, read):
    cells = [
        ("mobile", "rewardId", "redemptionValue", "customFields.a", "notes"),
        (919800000001, 1001, 0.1 + 0.2, True, "x"),
        (919800000002, 1002, 12.5, date(2026, 11, 23), "é"),
        (919800000003, 1003, 7, datetime(2026, 11, 23, 10, 5), "y"),  # noqa: DTZ001
    ]
    text = (
        "mobile,rewardId,redemptionValue,customFields.a,notes\n"
        "919800000001,1001,0.3,TRUE,x\n"
        "919800000002,1002,12.5,2026-11-23,é\n"
        "919800000003,1003,7,2026-11-23T10:05:00,y\n"
    )

    assert book(*cells) == read(text)


def test_the_first_visible_sheet_is_read_or_the_named_one(tmp_path):
    path = tmp_path / "blast.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("Hidden", "First", "Second"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ("externalId", "rewardId"))
            sheet.write_row(1, 0, (name, 1))
        book.get_worksheet_by_name("Hidden").hide()
        book.get_worksheet_by_name("First").activate()

    source = Source(path, ReadOptions())
    assert [row.identifier.value for row in source.rows()] == ["First"]
    assert (source.sheet, source.other_sheets, source.unit) == (
        "First",
        ("Hidden", "Second"),
        "row",
    )
    for name in ("Second", "Hidden"):
        [row] = read_rows(path, ReadOptions(sheet=name))
        assert row.identifier.value == name
    with pytest.raises(UnusableFile, match="no sheet 'Third'; name one of its sheets: Hidden"):
        read_rows(path, ReadOptions(sheet="Third"))


def test_a_sheet_of_a_file_that_is_no_workbook_is_refused(read):
    with pytest.raises(UnusableFile, match="no workbook"):
        read("mobile,rewardId\n919800000001,1\n", ReadOptions(sheet="First"))


def test_digits_that_a_spreadsheet_has_destroyed_are_refused(book):
    rows = book(
        ("externalId", "rewardId", "notes"),
        (1234567890123456, 1, None),
        ("9.19824E+11", 1, None),
        ("ok", 1, 12345678901234567),
    )

    assert [(row.line, row.field) for row in rows] == [
        (2, "externalId"),
        (3, "externalId"),
        (4, "notes"),
    ]
    assert all("round" in row.problem and "as text" in row.remedy for row in rows)


def test_numbers_that_may_have_lost_digits_are_doubted(book):
    rows = book(("externalId", "rewardId"), (42, 1), ("0042", 1))
    assert [bool(row.doubts) for row in rows] == [True, False]
    rows = book(("mobile", "rewardId"), (919824000000, 1), ("919824000000", 1), GOOD[:2])
    assert [bool(row.doubts) for row in rows] == [True, False, False]


def test_a_cell_without_a_value_is_refused_and_never_read_as_empty(tmp_path):
    path = tmp_path / "blast.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 1, HEADER)
        for row in range(1, 5):
            sheet.write_row(row, 1, GOOD)
        sheet.write_formula(1, 3, "=VLOOKUP(1,A1:A2,1)", None, "#N/A")
        sheet.write_formula(2, 3, "=1+1", None, 2)
        sheet.write_formula(3, 4, '=IF(1,"","x")', None, "")
    # As programs write a formula that was never computed.
    strip = tmp_path / "stripped.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(strip, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<f>1+1</f><v>2</v>", b"<f>1+1</f>"))

    first, second, third, fourth = read_rows(strip, ReadOptions())

    assert (first.line, first.field, first.problem[:25]) == (
        2,
        "quantity",
        "the cell holds an error, ",
    )
    assert (second.line, second.field) == (3, "quantity")
    assert "formula without its result" in second.problem
    assert isinstance(third, Row)
    assert third.call.notes is None
    assert isinstance(fourth, Row)


def test_an_ignored_column_may_hold_anything(book):
    [row] = book(
        (*HEADER, "x"), (*GOOD, 12345678901234567890), options=ReadOptions(mapping={"x": "-"})
    )

    assert isinstance(row, Row)


def test_the_letters_of_an_error_within_a_text_are_text(book):
    [row] = book(HEADER, (*GOOD[:3], 'x t="e" </f></c> y'))

    assert row.call.notes == 'x t="e" </f></c> y'


def test_a_sheet_above_the_limit_is_refused_before_it_is_loaded(book, monkeypatch):
    monkeypatch.setattr(workbook_parts, "MOST_BYTES", 500)

    with pytest.raises(UnusableFile, match="is held in memory; save it as 'CSV UTF-8'"):
        book(HEADER, *[GOOD] * 100)


@pytest.mark.parametrize("size", [30, 2_000, -30])
def test_a_cut_workbook_is_unusable(tmp_path, size):
    path = write_workbook(tmp_path / "blast.xlsx", {"A": [HEADER, GOOD]})
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(UnusableFile, match="damaged or not complete"):
        read_rows(path, ReadOptions())


def test_other_archives_are_refused_with_a_remedy(tmp_path):
    path = tmp_path / "blast.zip"
    for member, remedy in (("blast.csv", "unpack it"), ("mimetype", "save it as .xlsx")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, "mobile,rewardId\n")
        with pytest.raises(UnusableFile, match=remedy):
            read_rows(path, ReadOptions())


def test_an_empty_sheet_is_refused_by_name(book):
    with pytest.raises(UnusableFile, match="sheet 'Customers' is empty"):
        book(other=[HEADER])


def test_a_bad_cell_affects_no_other_row(book):
    first, bad, third = book(HEADER, GOOD, (True, 1001, 1, "x"), (919800000003, 1001, 1.0, None))

    assert isinstance(first, Row)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.field) == (3, "mobile")
    assert isinstance(third, Row)


def test_a_time_span_beyond_all_bounds_affects_no_other_row(tmp_path):
    path = tmp_path / "blast.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([HEADER, GOOD, GOOD, GOOD]):
            sheet.write_row(row, 0, cells)
        sheet.write_number(2, 3, 1e17, book.add_format({"num_format": "[h]:mm:ss"}))

    first, bad, third = read_rows(path, ReadOptions())

    assert (first.line, bad.line, third.line) == (2, 3, 4)
    assert isinstance(bad, BadRow)


def test_damaged_data_in_a_workbook_are_explained(tmp_path):
    path = write_workbook(tmp_path / "blast.xlsx", {"A": [HEADER, *[GOOD] * 500]})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    for place in range(start + 60, start + 400, 17):
        path.write_bytes(content[:place] + b"\xff\x00\xff" + content[place + 3 :])
        with pytest.raises(UnusableFile):
            read_rows(path, ReadOptions())


def test_progress_is_the_share_of_the_sheet_that_was_read(tmp_path):
    path = write_workbook(tmp_path / "blast.xlsx", {"A": [HEADER, *[GOOD] * 99]})
    source = Source(path, ReadOptions())

    rows = source.rows()
    for _ in range(49):
        next(rows)
    assert source.bytes_read == source.size // 2
    list(rows)
    assert source.bytes_read == source.size


def test_a_workbook_is_read_from_standard_input(tmp_path, monkeypatch):
    path = write_workbook(tmp_path / "blast.xlsx", {"A": [HEADER, *[GOOD] * 3]})
    with path.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        source = Source(STANDARD_INPUT, ReadOptions())
        rows = list(source.rows())

    assert rows == list(read_rows(path, ReadOptions()))
    assert source.bytes_read == source.size == path.stat().st_size
