"""Mobiles of a known country: every spelling of a number is one customer."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.fields.country import _CountryMobile, mobile_rule
from producers.fields.reading import ReadAs, bare
from producers.fields.refusal import Refusal
from producers.source import BadRow, ReadOptions, read_rows

ONE_PERSON = [
    "919800000001",
    "+919800000001",
    "+91 98000-00001",
    "00919800000001",
    "0919800000001",
    "0091 98000 00001",
    "(0)98000 00001",
    "(98000) 00001",
    "9800000001",
    "09800000001",
    "+91 (0) 98000 00001",
    "+91\N{NO-BREAK SPACE}98000\N{NO-BREAK SPACE}00001",
    "tel:+91-98000-00001",
    "\u202a+919800000001\u202c",
    "919800000001.0",
    "9800000001.0",
    "\uff19\uff18\uff10\uff10\uff10\uff10\uff10\uff10\uff10\uff11",
    "\u0669\u0668\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661",
]


@pytest.mark.parametrize("text", ONE_PERSON)
def test_every_spelling_of_a_number_is_one_customer(text):
    assert bare(mobile_rule("IN")(text)) == "919800000001"


def test_what_was_changed_is_noted_and_what_was_not_is_not():
    kinds = {text: isinstance(mobile_rule("IN")(text), ReadAs) for text in ONE_PERSON}
    assert [text for text, noted in kinds.items() if not noted] == ONE_PERSON[:2]


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "980000000",
        "98000000011",
        "5800000001",
        "447911123456",
        "98000 00001 x12",
        "98-FLOWERS1",
        "+91",
        "++919800000001",
        "9800000001/9800000002",
        "9.8E+09",
    ],
)
def test_what_cannot_be_a_number_there_is_refused(text):
    with pytest.raises(Refusal) as refused:
        mobile_rule("IN")(text)
    assert not re.search(r"[0-9]{5}", refused.value.problem)


def test_a_number_of_another_country_begins_with_a_plus():
    assert bare(mobile_rule("IN")("+44 7911 123456")) == "447911123456"
    assert bare(mobile_rule("IN")("0044 7911 123456")) == "447911123456"


def test_a_zero_that_belongs_to_the_number_stays():
    assert bare(mobile_rule("IT")("06 698 12345")) == "390669812345"


def test_ten_digits_that_begin_with_the_country_code_are_completed():
    assert bare(mobile_rule("IN")("9198765432")) == "919198765432"


@pytest.mark.parametrize(
    ("country", "remedy"),
    [("XX", "for example IN"), ("India", "two letters"), ("91", "--country IN")],
)
def test_an_unknown_country_is_refused_with_a_remedy(country, remedy):
    with pytest.raises(ValueError, match=remedy):
        mobile_rule(country)


REGIONS = ("IN", "US", "GB", "DE", "IT", "SG", "AE", "BR", "MX", "ID", "HU", "RU", "KZ", "AR", "VA")


@given(data=st.data(), region=st.sampled_from(REGIONS))
def test_the_quick_reading_is_that_of_phonenumbers(data, region):
    rule = _CountryMobile(phonenumbers, region)
    national = data.draw(st.from_regex(rule._mobile, fullmatch=True).filter(str.isascii))
    text = data.draw(st.sampled_from([national, f"{rule._code}{national}"]))

    assert result_of(rule.read, text) == result_of(rule.read_slowly, text)


def result_of(rule, text):
    try:
        return bare(rule(text))
    except Refusal:
        return "refused"


def test_a_files_spellings_share_one_customer(tmp_path):
    path = tmp_path / "blast.csv"
    cells = "".join(f'"{text}",1\n' for text in [*ONE_PERSON, "12345"])
    path.write_text(f"Phone,rewardId\n{cells}", encoding="utf-8")

    *good, bad = read_rows(path, ReadOptions(country="IN"))

    assert {row.identifier.value for row in good} == {"919800000001"}
    assert isinstance(bad, BadRow)
    assert (bad.field, "cannot be a mobile in IN" in bad.problem) == ("mobile", True)
