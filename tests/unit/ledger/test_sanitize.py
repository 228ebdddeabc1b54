"""Stored values: every value that the API sends fits its column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from ledger.store.sanitize import stored_list, stored_number, stored_text


@pytest.mark.parametrize(
    ("value", "kept"),
    [(None, None), (0, 0), (2**63 - 1, 2**63 - 1), (2**63, None), (-(10**30), None)],
)
def test_a_number_that_no_column_can_store_is_dropped(value, kept):
    assert stored_number(value) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("", ""),
        ("für 🎁", "für 🎁"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800", "?"),
    ],
)
def test_a_text_is_kept_except_for_characters_that_no_database_stores(text, kept):
    assert stored_text(text) == kept


@given(st.text(st.characters(exclude_categories=())))
def test_every_text_becomes_storable(text):
    stored = stored_text(text)
    stored.encode()
    assert "\x00" not in stored
    assert len(stored) == len(text)


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_a_list_is_stored_as_json_of_storable_texts_or_as_null(texts):
    stored = stored_list(texts)
    assert (from_json(stored) if stored else []) == [stored_text(text) for text in texts]
