"""Campaign names: spellings that look alike are one name."""

import pytest

from issuance.account import DEFAULT_ACCOUNT
from issuance.campaign_name import LONGEST_NAME, is_valid_name, normalise_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("spring", "spring"),
        ("spring ", "spring"),
        ("  spring   sale ", "spring sale"),
        ("spring\u00a0sale", "spring sale"),
        ("spring\tsale", "spring sale"),
        ("Cafe\u0301", "Café"),
        ("Spring", "Spring"),
        ("spring\nsale", "spring\nsale"),
        ("  ", ""),
    ],
    ids=repr,
)
def test_blanks_and_composed_characters_make_no_second_name(typed, name):
    assert normalise_name(typed) == name
    assert normalise_name(name) == name


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("spring", True),
        ("Ж" * LONGEST_NAME, True),
        ("x" * (LONGEST_NAME + 1), False),
        ("", False),
        ("spring\nsale", False),
        ("spring\0", False),
    ],
    ids=["plain", "longest", "too long", "empty", "line break", "NUL"],
)
def test_a_name_is_printable_and_not_too_long(name, valid):
    assert is_valid_name(name) is valid


def test_the_account_of_the_settings_keeps_the_name_that_ledgers_have_stored():
    assert DEFAULT_ACCOUNT == "default"
