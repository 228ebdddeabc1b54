"""How a value of a file is shown to an operator."""

import pytest

from issuance.display import mask, shorten, show
from issuance.errors import ExplainedError


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("919800000001", "…0001"), ("abcdef", "…def"), ("ab", "…b"), ("a", "…"), ("", "…")],
)
def test_an_identifier_shows_four_characters_and_never_more_than_half(identifier, shown):
    assert mask(identifier) == shown


@pytest.mark.parametrize(
    "value", ["919800000001", " +919800000001", "919800000001.0", "a@b.example"]
)
def test_what_looks_like_an_identifier_is_masked_in_any_column(value):
    assert show(value) == mask(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("spring", "'spring'"), ("x" * 40, f"'{'x' * 40}'"), ("x" * 41, f"'{'x' * 39}…'")],
)
def test_any_other_value_is_quoted_and_cut_to_40_characters(value, shown):
    assert show(value) == shown


def test_what_would_move_the_cursor_is_escaped():
    assert shorten("a\x1b[2J\nb\ud800é") == "a\\x1b[2J\\nb\\ud800é"


def test_an_error_that_explains_itself_shows_its_message_alone():
    assert str(ExplainedError("no such campaign: name one")) == "no such campaign: name one"
