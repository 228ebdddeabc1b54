"""The file of bad rows that an operator gets."""

import csv

import pytest

from producers.source import BadRow, ErrorsFile


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
        ["7", "notes", 'é, "quoted"', "two\nlines"],
        ["9", "", "no identifier", "give one"],
    ]
    assert errors.count == 2


def test_no_file_is_made_without_a_bad_row(tmp_path):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        pass

    assert not path.exists()
    assert errors.count == 0


def test_an_older_file_is_replaced(tmp_path):
    path = tmp_path / "errors.csv"
    path.write_text("older\n" * 100)

    with ErrorsFile(path) as errors:
        errors.write(BadRow(2, "", "p", "r"))

    assert contents(path)[1:] == [["2", "", "p", "r"]]


def test_what_was_written_is_kept_when_reading_fails(tmp_path):
    path = tmp_path / "errors.csv"

    def fail_after_a_bad_row():
        with ErrorsFile(path) as errors:
            errors.write(BadRow(2, "", "p", "r"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_bad_row()
    assert len(contents(path)) == 2


def test_nothing_is_written_after_the_file_is_left(tmp_path):
    with ErrorsFile(tmp_path / "errors.csv") as errors:
        errors.write(BadRow(2, "", "p", "r"))

    with pytest.raises(ValueError, match="closed file"):
        errors.write(BadRow(3, "", "p", "r"))


@pytest.mark.parametrize("key", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"])
def test_a_spreadsheet_does_not_take_a_key_for_a_formula(tmp_path, key):
    path = tmp_path / "errors.csv"

    with ErrorsFile(path) as errors:
        errors.write(BadRow(2, key, "unknown key", "remove it"))

    assert contents(path)[1][1] == f"'{key}"


def test_a_missing_folder_is_reported_at_the_first_bad_row(tmp_path):
    with ErrorsFile(tmp_path / "missing" / "errors.csv") as errors, pytest.raises(FileNotFoundError):
        errors.write(BadRow(2, "", "p", "r"))
