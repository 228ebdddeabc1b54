"""CSV records: line numbers, quotes, broken bytes, and the effect of bad rows on others."""

import time

import pytest

from producers.fields.line import CallFields, Reward
from producers.source import BadRow, ReadOptions, Row

HEADER = "mobile,rewardId,notes\n"
GOOD = "919800000001,1001,hello\n"


def test_all_columns_become_a_row(read):
    names = (
        "email,rewardId,quantity,paymentConfigId,redemptionValue,orgId,eventLogId,notes,"
        "customFields.tier"
    )

    rows = read(f"{names}\na@b.co,1001,2,55,12.50,100,blast42,n,gold\n")

    (identifier,) = {row.identifier for row in rows}
    assert (identifier.kind, identifier.value) == ("email", "a@b.co")
    assert rows == [
        Row(
            2,
            identifier,
            Reward(1001, 2, 55, 12.5, 100, {"tier": "gold"}),
            CallFields("blast42", "n"),
        )
    ]


@pytest.mark.parametrize(
    ("cells", "field", "problem", "remedy"),
    [
        (",,,1001", "", "no identifier", "one of mobile, email and externalId"),
        (" ,\t,,1001", "", "no identifier", "one of mobile, email and externalId"),
        ("919800000001,a@b.co,,1001", "email", "several identifiers: mobile, email", "keep one"),
        ("919800000001,a@b.co,C1,1001", "externalId", "several identifiers", "keep one"),
        ("919800000001,,,", "rewardId", "no rewardId", "--reward-id"),
    ],
)
def test_a_row_must_name_exactly_one_customer_and_one_reward(read, cells, field, problem, remedy):
    (bad,) = read(f"mobile,email,externalId,rewardId\n{cells}\n")

    assert bad.field == field
    assert problem in bad.problem
    assert remedy in bad.remedy


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("919800000001,1001", "row has 2 fields, the header 3"),
        ("919800000001", "row has 1 field, the header 3"),
        ("919800000001,1001,hello,", "row has 4 fields, the header 3"),
        ('919800000001,1001,"hello",', "row has 4 fields, the header 3"),
        ('919800000001,1001,"hello" you', "double quotes do not pair up"),
        ('919800000001,1001,"he"llo"', "double quote"),
        ('919800000001,1001,"hello', "not closed"),
        ("919800000001,1001,a\rb", "carriage return"),
        (b"919800000001,1001,caf\xe9", "byte 22 of the row (0xe9) is not UTF-8"),
        (b'919800000001,1001,"caf\xe9"', "byte 23 of the row (0xe9) is not UTF-8"),
        (b'919800000001,1001,"caf\xe9\nau lait"', "byte 23 of the row (0xe9) is not UTF-8"),
        (b"919800000001,1001,\xed\xa0\x80", "byte 19 of the row (0xed) is not UTF-8"),
        (b"919800000001,1001,a\0b", "byte 20 of the row is NUL"),
        (b'919800000001,1001,"a\0b"', "byte 21 of the row is NUL"),
        (b"\x80" * 30, "not UTF-8"),
        ("x" * 66_000, "longer than 65536 bytes"),
        ('919800000001,1001,"' + "n\n" * 2001 + '"', "(the record runs to line 2004)"),
    ],
)
def test_a_broken_record_is_one_bad_row_and_affects_no_other(read, record, problem):
    raw = record if isinstance(record, bytes) else record.encode()

    before, bad, after = read(HEADER.encode() + GOOD.encode() + raw + b"\n" + GOOD.encode())

    assert (before.line, bad.line, after.line) == (2, 3, 4 + raw.count(b"\n"))
    assert isinstance(before, Row)
    assert isinstance(after, Row)
    assert isinstance(bad, BadRow)
    assert bad.field in {"", "notes"}
    assert problem in bad.problem
    assert bad.remedy


def test_blank_lines_are_skipped_and_counted(read):
    rows = read(f"{HEADER}\n{GOOD}\r\n   \n{GOOD}\n")

    assert [row.line for row in rows] == [3, 6]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_last_line_without_a_line_break_is_read(read, end):
    rows = read(f"mobile,rewardId{end}919800000001,1{end}919800000002,2")

    assert [row.reward.reward_id for row in rows] == [1, 2]


def test_line_breaks_within_quotes_are_kept_and_later_rows_have_the_right_line(read):
    rows = read(HEADER + '919800000001,1001,"one\r\ntwo\n\n""four"""\r\n' + GOOD)

    assert [(row.line, row.call.notes) for row in rows] == [
        (2, 'one\r\ntwo\n\n"four"'),
        (6, "hello"),
    ]


@pytest.mark.parametrize("notes", ['5" pipe', 'a "b" c', '5"'])
def test_a_quote_in_the_middle_of_a_field_is_text(read, notes):
    rows = read(f"{HEADER}919800000001,1001,{notes}\n{GOOD}")

    assert [row.call.notes for row in rows] == [notes, "hello"]


def test_an_unclosed_quote_makes_only_its_own_row_bad(read, lines_of):
    rows = read(HEADER + '919800000001,1001,"oops\n' + GOOD * 5000)

    assert lines_of(rows) == (list(range(3, 5003)), [2])


def test_each_of_several_unclosed_quotes_makes_only_its_own_row_bad(read, lines_of):
    rows = read(HEADER + ('919800000001,"1001,oops\n' + GOOD) * 3)

    assert lines_of(rows) == ([3, 5, 7], [2, 4, 6])


def test_an_unclosed_quote_that_a_later_line_seems_to_close_makes_one_row_bad(read, lines_of):
    rows = read(HEADER + '"919800000001,1001,oops\n' + GOOD + '919800000002,1001,"\ntext"\n' + GOOD)

    assert lines_of(rows) == ([3, 4, 6], [2])
    assert rows[2].call.notes == "\ntext"


def test_an_unclosed_quote_before_an_overlong_line_makes_only_its_own_row_bad(read, lines_of):
    rows = read(HEADER + '919800000001,1001,"oops\n' + GOOD + "x" * 70_000 + "\n" + GOOD)

    assert lines_of(rows) == ([3, 5], [2, 4])


def test_text_within_a_bad_record_with_correct_quotes_is_never_read_as_a_row(read):
    hidden = "919899999999,1001,mine\n"

    rows = read(HEADER + f'919800000001,0,"\n{hidden}"\n')

    assert [(type(row), row.line) for row in rows] == [(BadRow, 2)]


def test_the_length_of_a_record_includes_all_its_lines(read, lines_of):
    fits = '919800000001,1001,"' + "n\n" * 40 + '"\n'

    rows = read(HEADER + fits + GOOD, ReadOptions(max_record_bytes=len(fits) - 1))
    too_long = read(HEADER + fits + GOOD, ReadOptions(max_record_bytes=len(fits) - 2))

    assert lines_of(rows) == ([2, 43], [])
    assert lines_of(too_long) == ([43], list(range(2, 43)))


def test_a_file_of_unclosed_quotes_is_read_in_linear_time(read):
    # Each of these lines opens a quote, as a row of its own and as text within an unclosed quote.
    content = HEADER + '",a","\n' * 20_000

    start = time.process_time()
    rows = read(content)

    assert len(rows) == 20_000
    # About 0.2 s; reading 64 KiB beyond each line would take minutes.
    assert time.process_time() - start < 5


@pytest.mark.parametrize("option", ["reward_id", "quantity", "max_record_bytes"])
@pytest.mark.parametrize("value", [0, 2**63])
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ValueError, match=f"{option} is {value}; give 1 to"):
        ReadOptions(**{option: value})
