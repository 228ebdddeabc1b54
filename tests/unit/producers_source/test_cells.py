"""The rule of each column: accepted values, and refused ones with their remedies."""

import pytest

from producers.source import BadRow, Identifier, Row

LARGEST_ID = 2**63 - 1


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("mobile", "919800000001", "919800000001"),
        ("mobile", "+919800000001", "919800000001"),
        ("mobile", "  919800000001\t", "919800000001"),
        ("mobile", "1234567", "1234567"),
        ("mobile", "123456789012345", "123456789012345"),
        ("email", "a.b+c@shop.example.com", "a.b+c@shop.example.com"),
        ("email", " a@b.co ", "a@b.co"),
        ("email", "josé@exämple.com", "josé@exämple.com"),
        ("email", "a" * 247 + "@bcd.ef", "a" * 247 + "@bcd.ef"),
        ("externalId", "C-1/é x", "C-1/é x"),
        ("externalId", " 0042 ", "0042"),
        ("externalId", "x" * 255, "x" * 255),
    ],
)
def test_an_identifier_is_trimmed(read_cell, column, cell, value):
    row = read_cell(column, cell)

    assert row.identifier == Identifier(column, value)


@pytest.mark.parametrize(
    ("column", "attribute", "cell", "value"),
    [
        ("rewardId", "reward_id", "1", 1),
        ("rewardId", "reward_id", " 1001 ", 1001),
        ("rewardId", "reward_id", "007", 7),
        ("rewardId", "reward_id", str(LARGEST_ID), LARGEST_ID),
        ("quantity", "quantity", "", 1),
        ("quantity", "quantity", "1000000", 1_000_000),
        ("paymentConfigId", "payment_config_id", "55", 55),
        ("paymentConfigId", "payment_config_id", "  ", None),
        ("orgId", "org_id", "100737", 100737),
        ("redemptionValue", "redemption_value", "1250.5", 1250.5),
        ("redemptionValue", "redemption_value", "0.1", 0.1),
        ("redemptionValue", "redemption_value", "000.10", 0.1),
        ("redemptionValue", "redemption_value", "999999999999999", 999_999_999_999_999),
        ("redemptionValue", "redemption_value", " ", None),
        ("eventLogId", "event_log_id", "blast42", "blast42"),
        (
            "notes",
            "notes",
            ' as "given", with\r\nline breaks ',
            ' as "given", with\r\nline breaks ',
        ),
        ("notes", "notes", "n" * 4000, "n" * 4000),
        ("notes", "notes", "", None),
    ],
)
def test_a_valid_value_is_accepted(read_cell, column, attribute, cell, value):
    row = read_cell(column, cell)

    part = row.call if attribute in {"event_log_id", "notes"} else row.reward
    assert getattr(part, attribute) == value


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("mobile", "+91 98000-00001", "919800000001"),
        ("mobile", "+91\N{NO-BREAK SPACE}98000\N{NO-BREAK SPACE}00001", "919800000001"),
        ("mobile", "+91 (98000) 00001", "919800000001"),
        ("mobile", "\u202a919800000001\u202c", "919800000001"),
        ("mobile", "tel:+91-98000-00001", "919800000001"),
        ("mobile", "'919800000001", "919800000001"),
        ("mobile", "919800000001.0", "919800000001"),
        ("email", "mailto:A@b.co?subject=Hello", "A@b.co"),
        ("email", "Asha <A@b.co>;", "A@b.co"),
        ("email", "<a@b.co>", "a@b.co"),
        ("email", '"a@b.co"', "a@b.co"),
        ("email", "\ufeffa@b.co", "a@b.co"),
        ("email", "jose\u0301@b.co", "jos\u00e9@b.co"),
        ("externalId", "C\u200b-1\ufeff", "C-1"),
        ("externalId", "C\N{NO-BREAK SPACE}1", "C 1"),
        ("externalId", "e\u0301", "\u00e9"),
        ("externalId", "'0042", "0042"),
        ("rewardId", "1001.0", 1001),
        ("rewardId", "1001.000", 1001),
        ("quantity", "2.0", 2),
    ],
)
def test_another_spelling_is_read_and_noted(read_cell, column, cell, value):
    row = read_cell(column, cell)

    read = {"rewardId": row.reward.reward_id, "quantity": row.reward.quantity}
    assert read.get(column, row.identifier.value) == value
    assert [kind.partition(":")[0] for kind in row.read_as] == [column]


@pytest.mark.parametrize("cell", ["+919800000001", " 919800000001 ", "919800000001"])
def test_an_ordinary_spelling_is_not_noted(read_cell, cell):
    assert read_cell("mobile", cell).read_as == ()


def test_a_whole_redemption_value_has_one_spelling(read_cell):
    values = [
        read_cell("redemptionValue", cell).reward.redemption_value
        for cell in ("100", "100.0", "0100.00")
    ]

    assert [repr(value) for value in values] == ["100", "100", "100"]


@pytest.mark.parametrize(
    ("column", "cell", "problem", "remedy"),
    [
        ("mobile", "9.19E+11", "rounded the mobile", "format the column as text"),
        ("mobile", "9,19800000001e+11", "rounded the mobile", "format the column as text"),
        ("mobile", "1234567890123456.0", "no mobile", "7 to 15 digits"),
        ("mobile", "0919800000001", "dialled only within a country", "--country IN"),
        ("mobile", "00919800000001", "dialled only within a country", "--country IN"),
        ("mobile", "(0)98000 00001", "dialled only within a country", "--country IN"),
        ("mobile", "+91 (0) 98000 00001", "dialled only within a country", "--country IN"),
        ("mobile", "+0919800000001", "dialled only within a country", "--country IN"),
        ("mobile", "98000-00001", "no mobile", "--country"),
        ("mobile", "123456", "no mobile", "7 to 15 digits"),
        ("mobile", "1234567890123456", "no mobile", "7 to 15 digits"),
        ("mobile", "91 98000 00001", "no mobile", "nothing between them"),
        ("mobile", "91-9800000001", "no mobile", "7 to 15 digits"),
        ("mobile", "++919800000001", "no mobile", "7 to 15 digits"),
        ("mobile", "٩١٩٨٠٠٠٠٠٠٠١", "no mobile", "7 to 15 digits"),
        ("mobile", "91980000000²", "no mobile", "7 to 15 digits"),
        ("email", "someone", "no email", "name@domain.tld"),
        ("email", "a@b", "no email", "name@domain.tld"),
        ("email", "a@@b.co", "no email", "name@domain.tld"),
        ("email", "a@b@c.co", "no email", "name@domain.tld"),
        ("email", "a b@c.co", "no email", "without blanks"),
        ("email", "a@b..co", "no email", "name@domain.tld"),
        ("email", "a@b.co.", "no email", "name@domain.tld"),
        ("email", "a\u200b@b.co", "no email", "name@domain.tld"),
        ("email", "a" * 248 + "@bcd.ef", "no email", "at most 254"),
        ("externalId", "x" * 256, "256 characters", "at most 255"),
        ("externalId", "C\x1b[31m-1", "control character", "remove"),
        ("externalId", "C\n1", "control character", "remove"),
        ("rewardId", "0", "'0' is not a whole number", "from 1 to 9223372036854775807"),
        ("rewardId", "-5", "'-5' is not a whole number", "digits only"),
        ("rewardId", "+5", "'+5' is not a whole number", "digits only"),
        ("rewardId", "12a", "'12a' is not a whole number", "digits only"),
        ("rewardId", "1001.5", "'1001.5' has decimals", "would be cut off"),
        ("rewardId", "0.0", "not a whole number", "digits only"),
        ("rewardId", "1E+05", "the spreadsheet rounded", "format the column as text"),
        ("rewardId", str(LARGEST_ID + 1), "not a whole number", "from 1 to"),
        ("rewardId", "9" * 5000, "not a whole number", "from 1 to"),
        ("rewardId", "\uff11\uff10\uff10\uff11", "not a whole number", "digits only"),
        ("quantity", "0", "'0' is not a whole number", "from 1 to 1000000"),
        ("quantity", "1.56", "'1.56' has decimals", "would be cut off"),
        ("quantity", "1000001", "not a whole number", "from 1 to 1000000"),
        ("quantity", "1,000", "thousands in one country and decimals in another", "digits only"),
        ("quantity", "1.000", "thousands in one country and decimals in another", "digits only"),
        ("quantity", "1'000", "thousands in one country and decimals in another", "digits only"),
        ("quantity", "1,0", "not a whole number", "digits only"),
        ("externalId", "1.23457E+11", "rounded the externalId", "format the column as text"),
        ("paymentConfigId", "none", "not a whole number", "digits only"),
        ("orgId", "-1", "not a whole number", "digits only"),
        ("redemptionValue", "0", "not above 0", "above 0"),
        ("redemptionValue", "0.00", "not above 0", "above 0"),
        ("redemptionValue", "-1", "no number above 0", "digits"),
        ("redemptionValue", "nan", "no number above 0", "digits"),
        ("redemptionValue", "inf", "no number above 0", "digits"),
        ("redemptionValue", "1,250.50", "no number above 0", "without thousands separators"),
        ("redemptionValue", "12,5", "no number above 0", "decimal point"),
        ("redemptionValue", "1e3", "no number above 0", "exponent"),
        ("redemptionValue", ".5", "no number above 0", "1250.5"),
        (
            "redemptionValue",
            "0.1234567890123456",
            "more digits than can be sent",
            "at most 15 digits",
        ),
        ("redemptionValue", "9" * 400, "more digits than can be sent", "at most 15 digits"),
        ("notes", "n" * 4001, "4001 characters", "at most 4000"),
        ("eventLogId", "n" * 4001, "4001 characters", "at most 4000"),
        ("customFields.tier", "n" * 4001, "4001 characters", "at most 4000"),
    ],
)
def test_an_invalid_value_is_refused_with_its_column_problem_and_remedy(
    read_cell, column, cell, problem, remedy
):
    bad = read_cell(column, cell)

    assert isinstance(bad, BadRow)
    assert bad.field == column
    assert problem in bad.problem
    assert remedy in bad.remedy


@pytest.mark.parametrize(
    ("column", "cell", "shown"),
    [
        ("mobile", "91980000000x", "…00x"),
        ("mobile", "12345", "… is no mobile"),
        ("email", "jane.doe@shop", "…hop"),
        ("externalId", "CUSTOMER\t1234", "…234"),
        ("quantity", "919800000001", "…001"),
        ("paymentConfigId", "jane.doe@shop.com", "….com"),
    ],
)
def test_an_identifier_is_shown_by_its_last_characters_in_any_column(
    read_cell, column, cell, shown
):
    bad = read_cell(column, cell)

    assert shown in bad.problem
    assert cell[: -len(cell) // 4] not in bad.problem


def test_a_long_value_is_shown_shortened(read_cell):
    bad = read_cell("orgId", "x" * 3000)

    assert "x" * 39 + "…" in bad.problem
    assert len(bad.problem) < 100


def test_a_value_is_shown_without_control_characters(read_cell):
    bad = read_cell("orgId", "\x1b[2J")

    assert "\\u001b[2J" in bad.problem
    assert bad.problem.isprintable()


def test_the_repr_of_a_row_does_not_show_the_identifier(read_cell):
    row = read_cell("mobile", "919800000001")

    assert isinstance(row, Row)
    assert "919800000001" not in repr(row)
