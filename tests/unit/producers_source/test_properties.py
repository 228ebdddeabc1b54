"""Properties of any file: good rows are read back equal, and bad rows affect no other row."""

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.fields.line import CallFields, Reward
from producers.source import BadRow, Identifier, ReadOptions, Row, UnusableFile

COLUMNS = (
    "mobile",
    "email",
    "externalId",
    "rewardId",
    "quantity",
    "redemptionValue",
    "notes",
    "customFields.x",
)

texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
)
identifiers = st.one_of(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True).map(
        lambda value: Identifier("mobile", value)
    ),
    st.from_regex(r"[a-z.+]{1,9}@[a-z]{1,9}\.[a-z]{2}", fullmatch=True).map(
        lambda v: Identifier("email", v)
    ),
    st.from_regex(r"[A-Za-z0-9é,;\"-]{1,12}", fullmatch=True).map(
        lambda v: Identifier("externalId", v)
    ),
)
good_rows = st.builds(
    Row,
    line=st.just(0),
    identifier=identifiers,
    reward=st.builds(
        Reward,
        reward_id=st.integers(1, 2**63 - 1),
        quantity=st.integers(1, 1_000_000),
        redemption_value=st.none() | st.integers(1, 10**15 - 1),
        custom_fields=st.just({}) | texts.map(lambda value: {"x": value}),
    ),
    call=st.builds(CallFields, notes=st.none() | texts),
)
bad_records = st.sampled_from(
    [
        b",,,1001,1,,,",
        b"919800000001,a@b.co,,1001,1,,,",
        b"9.19E+11,,,1001,1,,,",
        b"919800000001,,,1001,2.5,,,",
        b"919800000001,,,,1,,,",
        b"919800000001",
        b"919800000001,,,1001,1,,,,,,",
        b"919800000001,,,1001,1,,caf\xe9,",
        b"919800000001,,,1001,1,,a\0b,",
        b'919800000001,,,1001,1,,"a" b,',
        b'919800000001,,,1001,1,,"",""x',
        b"\xff\xfe\0\x1f\x8b",
        b"x" * 500,
    ]
)
unclosed_quotes = st.sampled_from(
    [b'"', b'919800000001,,,1001,1,,"oops,', b'"919800000001,,,1001,1,,oops,']
)

# No line's last field begins with text that would close an unclosed quote in the same column.
# Such a file is ambiguous, and every CSV reader assumes that the quote is closed there.
quoted_rows = st.builds(
    lambda row, value: replace(
        row,
        reward=replace(row.reward, custom_fields={"x": value}),
        call=CallFields(notes="plain"),
    ),
    good_rows,
    st.sampled_from(["a\nb", "\nb", '"a",\n"b"', 'a "b", c']),
)


def cells(row):
    named = {
        row.identifier.kind: row.identifier.value,
        "rewardId": row.reward.reward_id,
        "quantity": row.reward.quantity,
    }
    named |= {"redemptionValue": row.reward.redemption_value, "notes": row.call.notes}
    named |= {f"customFields.{name}": value for name, value in row.reward.custom_fields.items()}
    return named


def as_csv(rows, **dialect):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, **dialect)
    writer.writerows([cells(row).get(name) for name in COLUMNS] for row in rows)
    return stream.getvalue().encode()


def read_records(read, records):
    """Read these records, rows or raw lines; return what was read and where each starts."""
    raw = [
        record + b"\r\n" if isinstance(record, bytes) else as_csv([record]) for record in records
    ]
    starts = [2 + b"".join(raw[:position]).count(b"\n") for position in range(len(raw))]
    header = ",".join(COLUMNS).encode() + b"\n"
    return read(header + b"".join(raw), ReadOptions(max_record_bytes=400)), starts


def without_lines(rows):
    return [replace(row, line=0) for row in rows]


@given(
    rows=st.lists(good_rows, min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_good_rows_written_by_the_csv_module_are_read_back_equal(read, rows, delimiter, quoting):
    header = delimiter.join(COLUMNS).encode() + b"\r\n"

    found = read(header + as_csv(rows, delimiter=delimiter, quoting=quoting))

    assert without_lines(found) == rows


@given(rows=st.lists(good_rows, min_size=1, max_size=8))
def test_good_rows_written_as_json_are_read_back_equal(read, rows):
    lines = [json.dumps(cells(row)) for row in rows]

    found = read("\n".join(lines), suffix=".jsonl")

    assert without_lines(found) == rows
    assert [row.line for row in found] == list(range(1, len(rows) + 1))


@given(st.data())
def test_bad_rows_anywhere_do_not_change_the_good_rows_around_them(read, data):
    records = data.draw(st.lists(st.one_of(good_rows, bad_records), min_size=1, max_size=12))

    found, starts = read_records(read, records)

    assert [type(row) for row in found] == [
        BadRow if isinstance(record, bytes) else Row for record in records
    ]
    assert [row.line for row in found] == starts
    good = [record for record in records if isinstance(record, Row)]
    assert without_lines(row for row in found if isinstance(row, Row)) == good


@given(st.data())
def test_unclosed_quotes_anywhere_make_only_their_own_rows_bad(read, data):
    records = data.draw(st.lists(st.one_of(quoted_rows, unclosed_quotes), min_size=1, max_size=12))

    found, starts = read_records(read, records)

    assert [type(row) for row in found] == [
        BadRow if isinstance(record, bytes) else Row for record in records
    ]
    assert [row.line for row in found] == starts


@settings(max_examples=300)
@given(
    content=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=400).map(lambda tail: b"mobile,rewardId,notes\n" + tail),
        st.text('",\n\r\0ab1{}[]:\ud800é', max_size=200).map(
            lambda t: b"mobile,notes\n" + t.encode(errors="replace")
        ),
        st.text('",\n\r{}[]:\\ue1', max_size=200).map(lambda t: ('{"mobile":' + t).encode()),
    ),
    suffix=st.sampled_from([".csv", ".jsonl", ".txt"]),
    limit=st.sampled_from([1, 20, 65_536]),
)
def test_arbitrary_bytes_give_rows_or_an_unusable_file_and_no_other_error(
    read, content, suffix, limit
):
    options = ReadOptions(reward_id=7, max_record_bytes=limit)

    with suppress(UnusableFile):
        rows = read(content, options, suffix=suffix)

        assert all(isinstance(row, Row | BadRow) for row in rows)
        lines = [row.line for row in rows]
        assert lines == sorted(set(lines))


def test_the_bad_records_of_these_tests_are_bad(read):
    header = ",".join(COLUMNS).encode()
    for record in (*bad_records.elements, *unclosed_quotes.elements):
        (bad,) = read(header + b"\n" + record, ReadOptions(max_record_bytes=400))
        assert isinstance(bad, BadRow), record
