"""Rows from JSON objects: the same rules as for CSV, and the errors that only JSON has."""

import pytest

from producers.fields.line import CallFields, Reward
from producers.source import BadRow, Identifier, ReadOptions, Row, UnusableFile

GOOD = '{"mobile": "919800000001", "rewardId": 1001}'


@pytest.fixture
def read_object(read):
    def read_one(line, options=None):
        (row,) = read(line, options, suffix=".jsonl")
        return row

    return read_one


def test_all_keys_become_a_row(read_object):
    row = read_object(
        '{"email": "a@b.co", "reward_id": "1001", "Quantity": 2, "paymentConfigId": 55,'
        ' "redemptionValue": 12.50, "orgId": 100, "eventLogId": "blast42", "notes": "a\\nb",'
        ' "customFields": {"tier": "gold", "age": 7}, "customFields.x": "y"}'
    )

    identifier = Identifier("email", "a@b.co")
    fields = {"tier": "gold", "age": "7", "x": "y"}
    assert row == Row(
        1, identifier, Reward(1001, 2, 55, 12.5, 100, fields), CallFields("blast42", "a\nb")
    )


def test_null_and_empty_text_equal_a_missing_key(read_object):
    row = read_object(
        '{"mobile": "919800000001", "email": null, "externalId": "", "rewardId": null, "notes": "",'
        ' "customFields": null, "customFields.a": null}',
        ReadOptions(reward_id=7),
    )

    assert (
        row.identifier.kind,
        row.reward.reward_id,
        row.call.notes,
        row.reward.custom_fields,
    ) == (
        "mobile",
        7,
        None,
        {},
    )


def test_a_number_keeps_every_digit(read_object):
    row = read_object('{"externalId": 00123}'.replace("00", "9" * 40), ReadOptions(reward_id=7))

    assert row.identifier.value == "9" * 40 + "123"


def test_a_mapping_renames_and_ignores_keys(read_object):
    options = ReadOptions(mapping={"phone": "mobile", "junk": "-"})

    row = read_object('{"Phone": 919800000001, "rewardId": 1, "junk": [1], "JUNK": {}}', options)

    assert row.identifier.value == "919800000001"


def test_a_mapping_to_an_unknown_column_makes_the_file_unusable(read_object):
    with pytest.raises(UnusableFile, match="'mobil', which is no column; did you mean mobile"):
        read_object(GOOD, ReadOptions(mapping={"phone": "mobil"}))


@pytest.mark.parametrize(
    ("line", "field", "problem", "remedy"),
    [
        ('{"mobile": "919800000001"}', "rewardId", "no rewardId", "--reward-id"),
        ('{"mobile": "919800000001", "rewardId": 0}', "rewardId", "'0'", "from 1"),
        (
            '{"mobile": "919800000001", "rewardId": 1, "quantity": 2.5}',
            "quantity",
            "has decimals",
            "cut off",
        ),
        (
            '{"mobile": "919800000001", "rewardId": true}',
            "rewardId",
            "neither a text nor",
            "write a text or",
        ),
        (
            '{"mobile": ["919800000001"], "rewardId": 1}',
            "mobile",
            "neither a text nor",
            "write a text or",
        ),
        (
            '{"mobile": "919800000001", "quantitty": 1}',
            "quantitty",
            "unknown key",
            "did you mean quantity",
        ),
        ('{"rewardId": 1, "rewardId": 2}', "rewardId", "given twice", "keep one"),
        ('{"rewardId": 1, "Reward ID": 2}', "rewardId", "given twice", "keep one"),
        ('{"customFields": {"a": 1, "a": 2}}', "customFields.a", "given twice", "keep one"),
        (
            '{"customFields": {"a": 1}, "customFields.a": 2}',
            "customFields.a",
            "given twice",
            "keep one",
        ),
        ('{"customFields": "gold"}', "customFields", "not an object", '"NAME"'),
        ('{"customFields": {"": 1}}', "customFields", "no name", "name it"),
        (
            '{"customFields": {"a": {"b": 1}}}',
            "customFields.a",
            "neither a text nor",
            "write a text or",
        ),
        (
            '{"customFields": {"\\u0000": 1}}',
            "customFields.\\u0000",
            "invisible character",
            "remove",
        ),
        (
            '{"customFields": {"\\ud800": 1}}',
            "customFields.\\ud800",
            "invisible character",
            "remove",
        ),
        ('{"mobile": "919800000001", "notes": "\\ud800"}', "notes", "half of a character", "UTF-8"),
        ('{"mobile": "919800000001", "notes": "\\u0000"}', "notes", "NUL", "remove"),
        ('{"externalId": "\\ud800"}', "externalId", "half of a character", "UTF-8"),
        ('{"mobile": "919800000001", "redemptionValue": NaN}', "", "NaN is not JSON", "number"),
        (
            '{"mobile": "919800000001", "redemptionValue": -Infinity}',
            "",
            "-Infinity is not JSON",
            "number",
        ),
        (
            '{"mobile": "919800000001", "redemptionValue": 1e400}',
            "redemptionValue",
            "no number",
            "exponent",
        ),
        ('{"mobile": "919800000001"', "", "not JSON", "one JSON object per line"),
        ('{"mobile": "919800000001"} {}', "", "not JSON", "one JSON object per line"),
        ("919800000001,1001", "", "not JSON", "one JSON object per line"),
        ('["919800000001"]', "", "not a JSON object", "one JSON object per line"),
        ("[" * 60_000, "", "too deeply nested", "one JSON object per line"),
        (b'{"mobile": "\xff"}', "", "byte 13 of the row (0xff) is not UTF-8", "UTF-8"),
        (b'{"mobile": "\0"}', "", "byte 13 of the row is NUL", "UTF-8"),
        ('{"notes": "' + "n" * 70_000 + '"}', "", "longer than 65536 bytes", "shorten it"),
    ],
)
def test_a_bad_object_names_its_key_and_affects_no_other_row(read, line, field, problem, remedy):
    raw = line if isinstance(line, bytes) else line.encode()

    rows = read(GOOD.encode() + b"\r\n\n" + raw + b"\n" + GOOD.encode(), suffix=".jsonl")

    assert [type(row) for row in rows] == [Row, BadRow, Row]
    assert [row.line for row in rows] == [1, 3, 4]
    assert rows[1].field == field
    assert problem in rows[1].problem
    assert remedy in rows[1].remedy


def test_an_unknown_key_is_shown_shortened_and_printable(read_object):
    bad = read_object('{"\\u001b' + "k" * 5000 + '": 1}')

    assert bad.field.isprintable()
    assert len(bad.field + bad.problem) < 150
