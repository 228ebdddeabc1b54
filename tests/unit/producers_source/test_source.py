"""A file as a whole: its format, what makes it unusable, progress, and flat memory."""

import os
import tracemalloc

import pytest

from producers.source import BadRow, ReadOptions, Row, Source, UnusableFile, read_rows

CSV = "mobile,rewardId\n919800000001,1001\n"
JSONL = '\n {"mobile": "919800000001", "rewardId": 1001}\n'


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", CSV),
        (".CSV", CSV),
        (".jsonl", JSONL),
        (".NDJSON", JSONL),
        (".txt", CSV),
        (".txt", JSONL),
        ("", JSONL),
        (".tsv", CSV.replace(",", "\t")),
        (".jsonl", "\ufeff" + JSONL.strip()),
    ],
)
def test_the_suffix_decides_the_format_or_the_first_character_does(read, suffix, content):
    (row,) = read(content, suffix=suffix)

    assert isinstance(row, Row)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"\xff\xfe\0\0{\0\0\0", b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh9", b"%PDF-1.7"],
)
def test_a_file_that_is_not_text_is_unusable_in_any_format(read, suffix, content):
    with pytest.raises(UnusableFile):
        read(content, suffix=suffix)


def test_an_unusable_file_is_refused_before_its_first_row_is_read(tmp_path):
    with pytest.raises(
        UnusableFile, match=r"missing\.csv cannot be opened: No such file.*check the path"
    ):
        read_rows(tmp_path / "missing.csv", ReadOptions())


def test_a_directory_is_unusable(tmp_path):
    with pytest.raises(UnusableFile, match="is a directory; give the file's own path"):
        read_rows(tmp_path, ReadOptions())


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)

    with pytest.raises(UnusableFile, match="is not a regular file; write what it yields to a file"):
        read_rows(pipe, ReadOptions())


def test_an_invalid_path_is_unusable(tmp_path):
    with pytest.raises(UnusableFile, match="cannot be opened"):
        read_rows(tmp_path / "a\0b", ReadOptions())


def test_a_file_deleted_after_its_check_is_unusable(tmp_path):
    path = tmp_path / "blast.csv"
    path.write_text(CSV)
    source = Source(path, ReadOptions())
    path.unlink()

    with pytest.raises(UnusableFile, match="cannot be opened"):
        next(source.rows())


def test_a_source_counts_the_bytes_that_are_read(tmp_path):
    path = tmp_path / "blast.csv"
    path.write_text("mobile,rewardId\n" + "919800000001,1001\n" * 50_000)
    source = Source(path, ReadOptions())
    assert (source.bytes_read, source.size) == (0, path.stat().st_size)

    rows = source.rows()
    next(rows)
    assert 0 < source.bytes_read < source.size

    assert sum(1 for _ in rows) == 49_999
    assert source.bytes_read == source.size


def test_a_source_is_readable_more_than_once(tmp_path):
    path = tmp_path / "blast.csv"
    path.write_text("\ufeff" + CSV)
    source = Source(path, ReadOptions())

    assert list(source.rows()) == list(source.rows())


@pytest.mark.parametrize(("suffix", "header"), [(".csv", b"mobile,rewardId\n"), (".jsonl", b"")])
def test_memory_stays_flat_for_an_endless_line(tmp_path, suffix, header):
    good = b"919800000001,1001\n" if header else JSONL.strip().encode()
    path = tmp_path / f"blast{suffix}"
    with path.open("wb") as stream:
        stream.write(header + good + b"\n")
        # A sparse file: 64 MiB of NULs that use no space on the disk.
        stream.seek(64 * 1024 * 1024, os.SEEK_CUR)
        stream.write(b"\n" + good)

    tracemalloc.start()
    try:
        rows = list(read_rows(path, ReadOptions()))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [type(row) for row in rows] == [Row, BadRow, Row]
    assert peak_bytes < 4 * 1024 * 1024


def test_memory_stays_flat_for_many_rows(tmp_path):
    path = tmp_path / "blast.csv"
    path.write_text("mobile,rewardId,notes\n" + "919800000001,1001,some notes of a row\n" * 100_000)
    rows = read_rows(path, ReadOptions())

    tracemalloc.start()
    try:
        for _ in range(20_000):
            next(rows)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        rows.close()

    assert peak_bytes < 4 * 1024 * 1024
