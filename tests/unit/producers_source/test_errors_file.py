"""The errors file: a file's bad rows, for an operator."""

import csv
import os
import stat
from pathlib import Path

import pytest

from producers.source import BadRow, ErrorsFile

OLDER = "line,field,problem,remedy\n2,mobile,p,r\n"


def contents(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_bad_rows_are_written_with_line_field_problem_and_remedy(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        errors.write(BadRow(7, "notes", 'é, "quoted"', "two\nlines"))
        errors.write(BadRow(9, "", "no identifier", "give one"))

    assert contents(path) == [
        ["line", "field", "problem", "remedy"],
        ["7", "notes", 'é, "quoted"', r"two\nlines"],
        ["9", "", "no identifier", "give one"],
    ]
    assert errors.count == 2


def test_without_a_bad_row_no_file_is_created(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        pass

    assert not path.exists()
    assert errors.count == 0


def test_an_older_file_is_replaced(tmp_path):
    path = tmp_path / "errors.csv"
    path.write_text(OLDER + "older\n" * 100)
    path.chmod(0o644)

    with ErrorsFile(path) as errors:
        errors.write(BadRow(2, "", "p", "r"))

    assert contents(path)[1:] == [["2", "", "p", "r"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("titles", "options"),
    [
        ("line,field,problem,remedy", {}),
        ("\ufeffitem,field,problem,remedy", {}),
        ("sheet,row,field,problem,remedy", {"unit": "row", "sheet": "Customers"}),
    ],
)
def test_an_errors_file_of_every_form_of_campaign_can_be_replaced(tmp_path, titles, options):
    path = tmp_path / "errors.csv"
    path.write_text(f"{titles}\r\n", encoding="utf-8")
    ErrorsFile(path, **options).prove()


@pytest.mark.parametrize(
    "content", ["", "mobile,rewardId\n919800000001,1001\n", "line,field,problem", "\0" * 100]
)
def test_another_programs_file_is_never_replaced(tmp_path, content):
    path, passed = tmp_path / "errors.csv", []
    path.write_text(content)

    with pytest.raises(FileExistsError, match="no errors file"):
        ErrorsFile(path).prove()
    with ErrorsFile(path, on_unwritten=passed.append) as errors:
        errors.write(BadRow(2, "", "p", "r"))

    assert path.read_text() == content
    assert errors.failure.strerror == "it exists, and is no errors file"
    assert [bad.line for bad in passed] == [2]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, "precious", "line,field,problem,remedy\r\n"])
def test_a_planted_symlink_is_never_followed(tmp_path, content):
    target, path = tmp_path / "target", tmp_path / "errors.csv"
    if content is not None:
        target.write_text(content, newline="")
    path.symlink_to(target)

    with pytest.raises(FileExistsError, match="symbolic link"):
        ErrorsFile(path).prove()
    with ErrorsFile(path) as errors, pytest.raises(FileExistsError):
        errors.write(BadRow(2, "", "p", "r"))

    assert path.is_symlink()
    assert target.exists() == (content is not None)
    assert content is None or target.read_bytes() == content.encode()


def test_an_older_file_stays_when_a_full_disk_refuses_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "errors.csv"
    path.write_text(OLDER)
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(
        "producers.source.errors_file.create_draft", lambda path: (path.with_name("draft"), full)
    )
    with ErrorsFile(path, on_unwritten=lambda _: None) as errors:
        errors.write(BadRow(2, "", "p", "r"))
    assert errors.failure is not None
    assert path.read_text() == OLDER


def test_written_rows_are_kept_when_reading_fails(tmp_path):
    path = tmp_path / "errors.csv"

    def fail_after_a_bad_row():
        with ErrorsFile(path) as errors:
            errors.write(BadRow(2, "", "p", "r"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_bad_row()
    assert len(contents(path)) == 2


def test_writing_after_the_end_of_the_with_block_raises(tmp_path):
    with ErrorsFile(tmp_path / "errors.csv") as errors:
        errors.write(BadRow(2, "", "p", "r"))

    with pytest.raises(ValueError, match="closed file"):
        errors.write(BadRow(3, "", "p", "r"))


@pytest.mark.parametrize("key", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"])
def test_a_key_is_never_written_as_a_formula(tmp_path, key):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        errors.write(BadRow(2, key, "unknown key", "remove it"))

    assert contents(path)[1][1] == f"'{key}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("  =1+1", "'  =1+1"),
        ("a;=1;b", "a;'=1;b"),
        ("\x00=1", r"\u0000=1"),
        ("\x9b2J", r"\u009b2J"),
    ],
)
def test_no_item_of_a_cell_is_a_formula_or_moves_a_terminals_cursor(tmp_path, text, cell):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path, sheet=text) as errors:
        errors.write(BadRow(2, text, text, text))

    assert contents(path)[1] == [cell, "2", cell, cell, cell]


def test_a_missing_folder_is_reported_at_the_first_bad_row(tmp_path):
    with (
        ErrorsFile(tmp_path / "missing" / "errors.csv") as errors,
        pytest.raises(FileNotFoundError),
    ):
        errors.write(BadRow(2, "", "p", "r"))


def test_the_errors_file_of_a_garbage_file_has_a_bounded_size(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path, most_bytes=10_000) as errors:
        for line in range(2, 5_002):
            errors.write(
                BadRow(line, "", "row has 1 field, the header 2", "give one value per column")
            )

    rows = contents(path)
    assert 8_000 < path.stat().st_size <= 10_000
    assert (errors.count, errors.listed) == (5_000, len(rows) - 2)
    assert rows[-1][0] == str(errors.listed + 2)
    assert "not listed: too many" in rows[-1][2]


def test_long_cells_are_cut_in_the_errors_file(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        errors.write(BadRow(2, "=" + "f" * 1_000_000, "é" * 1_000_000, "r" * 1_000_000))

    assert [len(cell) for cell in contents(path)[1]] == [1, 501, 500, 500]
    assert contents(path)[1][1].startswith("'=")


def test_the_first_row_that_does_not_fit_ends_the_list(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path, most_bytes=1_024) as errors:
        for problem in ("p", "p" * 490, "p"):
            errors.write(BadRow(2, "", problem, "r"))

    assert (errors.count, errors.listed, len(contents(path))) == (3, 1, 3)


def test_a_workbooks_rows_are_named_by_sheet_and_row(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path, unit="row", sheet="=Customers") as errors:
        errors.write(BadRow(7, "mobile", "p", "r"))

    assert contents(path) == [
        ["sheet", "row", "field", "problem", "remedy"],
        ["'=Customers", "7", "mobile", "p", "r"],
    ]


def test_proving_leaves_no_file_and_changes_none(tmp_path):
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    old.write_text(OLDER)

    for path in (new, old, Path("/dev/null")):
        ErrorsFile(path).prove()

    assert old.read_text() == OLDER
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("path", ["missing/errors.csv", ".", "/proc/errors.csv"])
def test_a_file_that_cannot_be_written_is_found_before_it_is_needed(tmp_path, path):
    with pytest.raises((FileNotFoundError, IsADirectoryError)):
        ErrorsFile(tmp_path / path).prove()


@pytest.mark.parametrize("rows", [1, 3, 2_000])
def test_rows_that_a_full_disk_refuses_are_passed_on_in_order(rows):
    passed = []

    with ErrorsFile(Path("/dev/full"), on_unwritten=passed.append) as errors:
        for line in range(rows):
            errors.write(BadRow(line, "", "problem", "remedy"))

    assert [bad.line for bad in passed] == list(range(rows))
    assert (errors.count, errors.listed) == (rows, 0)
    assert errors.failure is not None


def test_rows_that_were_written_before_a_failure_are_not_passed_on(tmp_path):
    path, passed = tmp_path / "errors.csv", []

    with ErrorsFile(path, on_unwritten=passed.append) as errors:
        errors.write(BadRow(2, "", "p", "r"))
        errors.flush()
        full_disk(errors._stream)
        errors.write(BadRow(3, "", "p", "r"))
        errors.flush()
        errors.write(BadRow(4, "", "p", "r"))

    assert [bad.line for bad in passed] == [3, 4]
    assert [row[0] for row in contents(path)] == ["line", "2"]
    assert (errors.count, errors.listed) == (3, 1)


def test_without_anyone_to_take_the_rows_the_error_is_raised():
    errors = ErrorsFile(Path("/dev/full"))
    errors.write(BadRow(2, "", "p", "r"))

    with pytest.raises(OSError, match="No space left"):
        errors.flush()
    errors.__exit__(None, None, None)


def full_disk(stream):
    """Let what is written to a stream from now on go to a full disk."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, stream.fileno())
    os.close(full)
