"""Files as people have them: compressed, UTF-16, JSON arrays, standard input, cut or changed."""

import gzip
import io
import json
import os
import random
import sys
import tracemalloc
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.source import BadRow, ReadOptions, Row, Source, UnusableFile, blocks, read_rows
from producers.source.array_items import ArrayItems
from producers.source.inputs import STANDARD_INPUT

CSV = "mobile,rewardId,notes\n919800000001,1001,é\n919800000002,1002,x\n"
ARRAY = (
    '[{"mobile": "919800000001", "rewardId": 1001, "notes": "é"},\n'
    ' {"mobile": "919800000002", "rewardId": 1002, "notes": "x"}]'
)
JSONL = ARRAY[1:-1].replace(",\n", "\n")
MANY = "mobile,rewardId\n" + "".join(f"9198{at:08d},1001\n" for at in range(40_000))
# Numbers that do not compress away, so that compressed data have several parts.
_numbers = random.Random(7)
VARIED = "mobile,rewardId\n" + "".join(
    f"91{_numbers.randrange(10**10):010d},1001\n" for _ in range(60_000)
)
# Without the time, which would be in the names of tests.
COMPRESSORS = {"gzip": partial(gzip.compress, mtime=0), "zstd": blocks.zstd.compress}


def essence(rows):
    return [(row.identifier, row.reward, row.call) for row in rows]


@pytest.mark.parametrize("compress", COMPRESSORS.values())
@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zst", ".csv", ".dat", ""])
def test_compressed_text_is_known_by_its_content(read, compress, suffix):
    assert read(compress(CSV.encode()), suffix=suffix) == read(CSV)


@pytest.mark.parametrize("compress", COMPRESSORS.values())
def test_the_suffix_before_the_compression_names_the_format(read, compress):
    assert essence(read(compress(JSONL.encode()), suffix=".jsonl.gz")) == essence(read(CSV))
    with pytest.raises(UnusableFile, match="looks like data"):
        read(compress(JSONL.encode()), suffix=".csv.gz")


def test_several_compressed_parts_are_one_file(read):
    for compress in COMPRESSORS.values():
        assert read(compress(CSV[:30].encode()) + compress(CSV[30:].encode())) == read(CSV)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_text_with_a_byte_order_mark_is_decoded(read, encoding):
    mark = "\ufeff" if encoding in {"utf-16-le", "utf-16-be"} else ""

    assert read((mark + CSV).encode(encoding)) == read(CSV)
    assert read(gzip.compress((mark + CSV).encode(encoding))) == read(CSV)


def test_half_a_character_of_utf_16_makes_only_its_own_row_bad(read):
    text = CSV.encode("utf-16").replace("é".encode("utf-16-le"), b"\x00\xd8")

    bad, good = read(text)

    assert (bad.line, "not UTF-8" in bad.problem) == (2, True)
    assert good.line == 3


@pytest.mark.parametrize("suffix", [".json", "", ".jsonl", ".json.gz"])
def test_an_array_is_read_with_the_numbers_of_its_items(read, suffix):
    rows = read(ARRAY, suffix=suffix)

    assert [row.line for row in rows] == [1, 2]
    assert essence(rows) == essence(read(CSV)) == essence(read(JSONL, suffix=".jsonl"))


def test_a_bad_item_affects_no_other(read):
    rows = read(
        '[ {"mobile": "919800000001", "rewardId": 1}, 7, {"a": tru}, "x,]", '
        '{"mobile": "919800000002", "rewardId": 1, "notes": "\\"}],[{"}, ]\n',
        suffix=".json",
    )

    assert [type(row) for row in rows] == [Row, BadRow, BadRow, BadRow, Row]
    assert rows[-1].call.notes == '"}],[{'
    assert rows[-1].line == 5


def test_an_array_that_is_not_closed_is_cut(read):
    first, cut = read(ARRAY[:-20], suffix=".json")

    assert isinstance(first, Row)
    assert (cut.line, cut.problem) == (2, "the file is cut: its JSON array is not closed")


def test_text_after_an_array_is_refused(read):
    assert "follows the end" in read(ARRAY + "\n\n[]", suffix=".json")[-1].problem


def test_an_item_above_the_limit_is_skipped(read):
    long = json.dumps({"mobile": "919800000001", "rewardId": 1, "notes": '\\"]},' * 100_000})
    rows = read(f"[{long}, {ARRAY[1:]}", suffix=".json")

    assert [type(row) for row in rows] == [BadRow, Row, Row]
    assert "longer than 65536 bytes" in rows[0].problem


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('"\\[]{},:é x', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\,]}', max_size=3), inner)
    ),
    max_leaves=6,
)


@given(items=st.lists(json_values, max_size=6), width=st.integers(1, 9))
def test_an_array_in_blocks_of_any_size_has_its_items(items, width):
    raw = json.dumps(items, ensure_ascii=False).encode()
    pieces = [raw[at : at + width] for at in range(0, len(raw), width)]

    found = ArrayItems(pieces, 1_000)

    assert [json.loads(item) for item in found if item.strip()] == items
    assert found.cut is None


@pytest.fixture
def piped(monkeypatch):
    """Read what a pipe gives, in pieces."""

    def read_pipe(content, options=None, piece=7):
        class Pipe(io.RawIOBase):
            rest = content

            def readable(self):
                return True

            def readinto(self, buffer):
                size = min(piece, len(buffer))
                block, self.rest = self.rest[:size], self.rest[size:]
                buffer[: len(block)] = block
                return len(block)

        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(Pipe(), 16)))
        return Source(STANDARD_INPUT, options or ReadOptions())

    return read_pipe


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.encode("utf-16"),
        ARRAY.encode(),
        JSONL.encode(),
        *[compress(CSV.encode()) for compress in COMPRESSORS.values()],
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_standard_input_is_read_once_in_any_format(piped, read, content, piece):
    source = piped(content, piece=piece)

    assert essence(source.rows()) == essence(read(CSV))
    assert source.bytes_read == len(content)
    with pytest.raises(ValueError, match="only once"):
        next(source.rows())


def test_rows_of_a_pipe_come_before_its_end(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as writer:
        writer.write(CSV.encode())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        rows = Source(STANDARD_INPUT, ReadOptions()).rows()
        assert next(rows).identifier.value == "919800000001"
        writer.write(b"919800000003,1001,z")
        writer.close()
        last = list(rows)[-1]
    assert (last.identifier.value, last.doubts[0].kind) == (
        "919800000003",
        "last line without a line end",
    )


@pytest.mark.parametrize("compress", COMPRESSORS.values())
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_cut_compressed_data_lose_only_the_rows_after_the_cut(tmp_path, compress, share):
    content = compress(VARIED.encode())
    path = tmp_path / "blast.csv.gz"
    path.write_bytes(content[: int(len(content) * share)])

    *good, cut = read_rows(path, ReadOptions())

    assert "data end in the middle" in cut.problem
    assert cut.line == len(good) + 2
    assert all(isinstance(row, Row) and not row.doubts for row in good)
    whole = VARIED.splitlines()[1 : len(good) + 1]
    assert [f"{row.identifier.value},1001" for row in good] == whole


@pytest.mark.parametrize("compress", COMPRESSORS.values())
def test_damaged_compressed_data_end_in_a_bad_row(tmp_path, compress):
    content = bytearray(compress(VARIED.encode()))
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    path = tmp_path / "blast.csv"
    path.write_bytes(content)

    rows = list(read_rows(path, ReadOptions()))

    assert "damaged" in rows[-1].problem
    assert isinstance(rows[-1], BadRow)


def test_a_last_line_without_a_line_end_is_doubted(read):
    first, last = read("mobile,rewardId\n919800000001,1001\n919800000002,100")
    assert (first.doubts, last.doubts[0].kind) == ((), "last line without a line end")
    assert [row.doubts for row in read(CSV)] == [(), ()]
    assert [row.doubts for row in read(JSONL, suffix=".jsonl")] == [(), ()]


def test_rows_that_are_read_again_after_a_stray_quote_are_not_doubted(read):
    rows = read('mobile,rewardId,notes\n9,1,"oops\n' + CSV.partition("\n")[2])
    assert [isinstance(row, BadRow) for row in rows] == [True, False, False]
    assert [row.doubts for row in rows[1:]] == [(), ()]
    rows = read('mobile,rewardId,notes\n9,1,"oops\n' + CSV.partition("\n")[2].rstrip())
    assert [bool(row.doubts) for row in rows[1:]] == [False, True]


def grow(path):
    with path.open("a") as stream:
        stream.write("919800000009,1001\n919800000")


def shrink(path):
    os.truncate(path, 60_000)


def replace(path):
    other = path.with_name("other")
    other.write_text(path.read_text())
    other.rename(path)


def touch(path):
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (grow, "now has 720,043"),
        (shrink, "now has 60,000"),
        (replace, "another file has its name now"),
        (touch, "it was written to"),
    ],
)
def test_a_change_while_the_file_is_read_is_said_at_the_end(tmp_path, change, said):
    path = tmp_path / "blast.csv"
    path.write_text(MANY)
    rows = Source(path, ReadOptions()).rows()
    next(rows)
    change(path)

    *good, cut = rows

    assert "the file changed while it was read" in cut.problem
    assert said in cut.problem
    assert all(isinstance(row, Row) and len(row.identifier.value) == 12 for row in good)


@pytest.mark.parametrize("compress", COMPRESSORS.values())
def test_memory_stays_flat_for_a_decompression_bomb(tmp_path, compress):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(compress(CSV.encode() + bytes(64 * 1024 * 1024) + b"\n" + CSV.encode()[22:]))

    tracemalloc.start()
    try:
        rows = list(read_rows(path, ReadOptions()))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [type(row) for row in rows] == [Row, Row, BadRow, Row, Row]
    assert peak_bytes < 6 * 1024 * 1024


def test_rows_of_delimiters_alone_are_blank_lines(read):
    rows = read('mobile,rewardId\n919800000001,1\n,\n , \n"",""\n919800000002,1\n')

    assert [row.line for row in rows] == [2, 6]


@pytest.mark.parametrize("cell", ['="919800000001"', '"=""919800000001"""'])
def test_a_formula_of_a_text_is_the_text(read, cell):
    [row] = read(f"mobile,rewardId,notes\n{cell},1,a\n")

    assert row.identifier.value == "919800000001"


def test_a_header_of_formulas_is_read(read):
    [row] = read('="mobile",="rewardId"\n="919800000001",="1"\n')

    assert isinstance(row, Row)
