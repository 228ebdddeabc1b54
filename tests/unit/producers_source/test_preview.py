"""The first look at a table, before anyone has said what its columns mean."""

import gzip

import pytest

from producers.source import UnusableFile
from producers.source.columns import Columns
from producers.source.preview import read_preview
from tests.workbooks import write_workbook


def preview(path, content, **options):
    path.write_bytes(content)
    return read_preview(path, Columns({}), **({"sheet": None, "most": 3} | options))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.mark.parametrize(
    "content",
    [
        b"phone,what\n919800000001,x\n",
        b"\xef\xbb\xbfphone;what\r\n919800000001;x\r\n",
        b"sep=;\nphone;what\n919800000001;x\n",
        b'\n"phone","what"\n"919800000001","x"\n',
        "phone\twhat\n919800000001\tx\n".encode("utf-16"),
        gzip.compress(b"phone,what\n919800000001,x\n"),
    ],
    # The compressed one holds the time: each process must give its test one name.
    ids=["commas", "a mark and semicolons", "a named separator", "quotes", "UTF-16", "gzip"],
)
def test_names_and_first_rows_of_text(path, content):
    assert preview(path, content) == (["phone", "what"], [["919800000001", "x"]], "", ())


def test_the_first_good_rows_are_taken_from_a_damaged_file(path):
    found = preview(path, b'phone,what\n1\n2,"a\nb"\n3,"\n4,d\n5,e\n', most=2)
    assert found.rows == [["2", "a\nb"], ["4", "d"]]


def test_columns_without_a_name_at_the_end_are_left_out(path):
    found = preview(path, b"phone,,what,,\n1,2,3,,\n")
    assert (found.names, found.rows) == (["phone", "", "what"], [["1", "2", "3"]])


def test_a_sheet_is_the_first_visible_one_or_the_named_one(tmp_path):
    book = write_workbook(
        tmp_path / "book.xlsx", {"A": [["phone"], [919800000001], [1e20]], "B": [["x"], ["y"]]}
    )
    first = read_preview(book, Columns({}), sheet=None, most=2)
    assert first.rows[0] == ["919800000001"]
    assert "rounded" in first.rows[1][0]
    assert (first.names, first.sheet, first.other_sheets) == (["phone"], "A", ("B",))
    other = read_preview(book, Columns({}), sheet="B", most=1)
    assert other == (["x"], [["y"]], "B", ("A",))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'{"mobile": "1"}\n', "JSON"),
        (b" [1]", "JSON"),
        (b"<?xml?>", "HTML or XML"),
        (b"919800000001\n", "looks like data"),
        (b"asha@example.org,x\n", "looks like data"),
        (b"\xff\x00\x01", "not text"),
        (b"a" * 70_000, "longer than"),
    ],
)
def test_what_is_no_table_is_refused(path, content, problem):
    with pytest.raises(UnusableFile, match=problem):
        preview(path, content)


def test_an_empty_sheet_is_refused(tmp_path):
    book = write_workbook(tmp_path / "book.xlsx", {"A": []})
    with pytest.raises(UnusableFile, match="sheet 'A' is empty"):
        read_preview(book, Columns({}), sheet=None, most=1)
