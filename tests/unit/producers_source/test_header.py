"""The CSV header: the columns that it names, and the errors that make a file unusable."""

import pytest

from producers.fields.line import Reward
from producers.source import BadRow, Identifier, ReadOptions, Row, Source, UnusableFile


@pytest.mark.parametrize(
    "header",
    [
        "externalId,rewardId",
        "External ID,reward_id",
        "EXTERNAL-ID,  Reward Id ",
        '"external_id","REWARDID"',
        "\ufeffexternalId,rewardId",
        "\n \r\nexternalId,rewardId",
    ],
)
def test_a_header_matches_regardless_of_case_blanks_underscores_and_hyphens(read, header):
    (row,) = read(f"{header}\nC-1,1001\n")

    assert (row.identifier, row.reward.reward_id) == (Identifier("externalId", "C-1"), 1001)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_delimiter_that_gives_known_columns_is_used(read, delimiter, quote):
    names = [f"{quote}{name}{quote}" for name in ("mobile", "rewardId", "customFields.a,b;c")]
    cells = [f"{quote}{cell}{quote}" for cell in ("919800000001", "1001", "gold")]
    if delimiter in ",;" and not quote:
        names[2] = "customFields.abc"

    (row,) = read(delimiter.join(names) + "\n" + delimiter.join(cells) + "\n")

    assert row.reward.reward_id == 1001
    assert list(row.reward.custom_fields.values()) == ["gold"]


def test_a_header_may_have_a_single_column(read):
    rows = read("mobile\n919800000001\n", ReadOptions(reward_id=7))

    assert [row.reward.reward_id for row in rows] == [7]


def test_custom_fields_keep_the_spelling_of_their_names(read):
    (row,) = read("mobile,rewardId,Custom_Fields.My Tier,customFields.x.y\n919800000001,1,gold,\n")

    assert row.reward.custom_fields == {"My Tier": "gold"}


def test_a_mapping_renames_and_ignores_columns(read):
    options = ReadOptions(
        mapping={"Phone": "mobile", "SKU": "customFields.sku", "junk": "-", "mobile": "-"}
    )

    (row,) = read("phone,mobile,rewardId,SKU,Junk\n919800000001,x,1001,S-9,y\n", options)

    assert row.identifier == Identifier("mobile", "919800000001")
    assert row.reward.custom_fields == {"sku": "S-9"}


def test_several_columns_can_be_ignored(read):
    (row,) = read(
        "mobile,rewardId,a,b\n919800000001,1,x,y\n", ReadOptions(mapping={"a": "-", "b": "-"})
    )

    assert isinstance(row, Row)


def test_a_rows_own_reward_and_quantity_override_the_options(read):
    options = ReadOptions(reward_id=7, quantity=3)

    rows = read("mobile,rewardId,quantity\n919800000001,1001,2\n919800000002,,\n", options)

    assert [(row.reward.reward_id, row.reward.quantity) for row in rows] == [(1001, 2), (7, 3)]


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        ("", "empty", "export it again"),
        ("\n\r\n  \n", "empty", "export it again"),
        ("\ufeff", "empty", "export it again"),
        ("mobile,rewardid,quantitty\n", "unknown column 'quantitty'", "did you mean quantity"),
        ("mobile,rewardId,colour\n", "unknown column 'colour'", "customFields.NAME"),
        ("mobile,rewardId,zzz\n", "unknown column 'zzz'", "our columns are mobile, email"),
        ("mobile,rewardId,customFields\n", "unknown column 'customFields'", "customFields.NAME"),
        ("mobile,rewardId,customFields.\n", "unknown column 'customFields.'", "customFields.NAME"),
        ("mobile,,rewardId\n", "column 2 has no name", "name it"),
        ("mobile,rewardId,id\n", "unknown column 'id'", "--map 'id=externalId'"),
        ("mobile,phone,rewardId\n", "'mobile' and 'phone'", "keep one"),
        ("phone,msisdn,rewardId\n", "'phone' and 'msisdn'", "keep one"),
        ("mobile,customer_id,rewardId\n", "both name the customer", "--map 'customer_id=-'"),
        ("sep=;\n", "empty", "export it again"),
        ("mobile,rewardId,Reward ID\n", "'rewardId' and 'Reward ID'", "keep one"),
        ("mobile,rewardId,customFields.a,custom fields.a\n", "the same to us", "keep one"),
        ("rewardId,quantity\n", "no column names the customer", "mobile, email or externalId"),
        ("mobile,quantity\n", "no column names the reward", "--reward-id"),
        ("919800000001,1001\n", "looks like data", "first line"),
        ("C-1,1001\n", "looks like data", "first line"),
        ("jane@shop.com,1001\n", "looks like data", "first line"),
        ('{"mobile": "919800000001"}\n', "looks like data", "first line"),
        ('mobile,"rewardId\n', "do not pair up", "close each quote"),
        ("mobile,rewardId\r919800000001,1001\r", "lone carriage returns", "LF or CRLF"),
        (b"mobile,rewardId\0\n", "NUL", "UTF-8"),
        (b"mobile,pr\xe9nom\n", "byte 10 of the row (0xe9) is not UTF-8", "CSV UTF-8"),
        ("mobile,rewardId," + "x" * 70_000, "longer than 65536 bytes", "columns' names"),
        ("mobile,rewardId".encode("utf-32"), "UTF-32", "UTF-8"),
        ("mobile,rewardId".encode("utf-16-be"), "NUL", "UTF-8"),
        (b"\x1f\x8b\x08\x00rest", "its gzip data end in the middle", "get the whole file"),
        (b"PK\x03\x04rest", "damaged or not complete", "copy it again"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook", "CSV UTF-8"),
        (b"BZh9rest", "bzip2", "gzip or zstd"),
        (b"\xfd7zXZ\0rest", "xz", "gzip or zstd"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_with_problem_and_remedy(
    read, content, problem, remedy
):
    with pytest.raises(UnusableFile) as caught:
        read(content)

    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.problem in str(caught.value)
    assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize("value", ["919800000001", "jane@shop.com"])
def test_the_error_of_a_missing_header_shows_no_identifier(read, value):
    with pytest.raises(UnusableFile) as caught:
        read(f"C-1,{value},1001\n")

    assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "problem", "remedy"),
    [
        ({"Phone": "mobil"}, "'mobil', which is no column", "did you mean mobile"),
        ({"Phone": ""}, "'', which is no column", "our columns are"),
        ({"Telephone": "mobile"}, "no column 'Telephone' to map", "as the header spells it"),
        ({"Phone": "rewardId"}, "'rewardId' and 'Phone'", "keep one"),
    ],
)
def test_a_mapping_of_an_unknown_column_makes_the_file_unusable(read, mapping, problem, remedy):
    with pytest.raises(UnusableFile) as caught:
        read("mobile,rewardId,Phone\n", ReadOptions(mapping=mapping))

    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("below", ["", "\n", "\r\n \n"])
def test_a_header_without_rows_is_refused_as_a_failed_export(read, below):
    with pytest.raises(UnusableFile, match="the file has no rows; export it again"):
        read(f"mobile,rewardId\n{below}")


@pytest.mark.parametrize(
    ("header", "understood"),
    [
        ("Phone,Reward,Qty", {"Phone": "mobile", "Reward": "rewardId", "Qty": "quantity"}),
        ("MSISDN,rewardId,quantity", {"MSISDN": "mobile"}),
        ("Mobile No.,reward_id,units", {"Mobile No.": "mobile", "units": "quantity"}),
        ("mobile_number,rewardId,quantity", {"mobile_number": "mobile"}),
        ("customer_id,rewardId,quantity", {"customer_id": "externalId"}),
    ],
)
def test_common_names_of_columns_are_understood_and_named(tmp_path, header, understood):
    path = tmp_path / "blast.csv"
    path.write_text(f"{header}\n919800000001,1001,2\n")

    source = Source(path, ReadOptions())
    [row] = source.rows()

    assert source.understood == understood
    assert (row.identifier.value, row.reward) == ("919800000001", Reward(1001, 2))


def test_e_mail_is_our_own_column_in_another_spelling(read):
    (row,) = read("E-Mail,rewardId\na@b.co,1\n")

    assert row.identifier == Identifier("email", "a@b.co")


def test_a_mapping_says_what_an_ambiguous_name_means(read):
    options = ReadOptions(mapping={"customer_id": "-", "id": "rewardId"})

    (row,) = read("mobile,customer_id,id\n919800000001,7,1001\n", options)

    assert (row.identifier.value, row.reward.reward_id) == ("919800000001", 1001)


def test_an_unnamed_last_column_must_be_empty(read):
    good, bad = read("mobile,rewardId,,\n919800000001,1,,\n919800000002,1,,x\n")

    assert isinstance(good, Row)
    assert bad == BadRow(
        3,
        "",
        "column 4 has no name in the header, and has a value here",
        "name the column, or delete it",
    )


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
def test_the_line_that_names_the_delimiter_is_read(read, first):
    (row,) = read(f"{first}mobile;notes;rewardId\n919800000001;a,b,c,d;1001\n")

    assert (row.line, row.call.notes) == (3, "a,b,c,d")
