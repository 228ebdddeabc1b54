"""How a value of a file or of an answer is shown to an operator."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.display import csv_text, mask, printable, shorten, show
from issuance.errors import ExplainedError


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("919800000001", "…001"), ("abcdefgh", "…gh"), ("abcdef", "…"), ("a", "…"), ("", "…")],
)
def test_an_identifier_shows_four_characters_and_never_more_than_a_quarter(identifier, shown):
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
    assert shorten("a\x1b[2J\nb\ud800é") == "a\\u001b[2J\\nb\\ud800é"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x9b2J\x7f\x00", r"\u009b2J\u007f\u0000"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("GO\u200bLD\ufeff\u2060", r"GO\u200bLD\ufeff\u2060"),
        ("a\u3164\u2800\u034f\ufe0f", r"a\u3164\u2800\u034f\ufe0f"),
        ("a\u200db\u200cc", r"a\u200db\u200cc"),
        ("\u200d\ufe0f", r"\u200d\ufe0f"),
        ("a\U000e0041", r"a\udb40\udc41"),
        ("क्\u200dष and क्\u200cष", "क्\u200dष and क्\u200cष"),
        ("❤\ufe0f\u200d🔥 👨\u200d👩", "❤\ufe0f\u200d🔥 👨\u200d👩"),
        ("Grüße, 你好 e\u0301", "Grüße, 你好 e\u0301"),
    ],
)
def test_what_deceives_is_escaped_and_what_a_script_needs_stays(value, shown):
    assert printable(value) == shown


@given(st.text(st.characters()))
def test_no_text_reaches_a_terminal_with_controls_or_changes_of_direction(text):
    shown = printable(text)
    shown.encode()
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in shown)
    assert printable(shown) == shown


@given(st.text(st.characters(codec="utf-8")))
def test_json_keeps_its_meaning(text):
    written = printable(json.dumps([text], ensure_ascii=False))
    assert json.loads(written) == [text]


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1", "'=1"), ("a;  +1", "a;'  +1"), ("a-1", "a-1"), ("\n=1", r"\n=1"), ("", "")],
)
def test_no_item_of_a_cell_is_a_formula(text, cell):
    assert csv_text(text) == cell


def test_an_error_that_explains_itself_shows_its_message_alone():
    assert str(ExplainedError("no such campaign: name one")) == "no such campaign: name one"
