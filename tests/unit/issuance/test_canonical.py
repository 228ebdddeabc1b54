import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.closing.canonical import canonical, digest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_keys_are_sorted_and_nothing_is_padded():
    assert canonical({"b": [1, None], "a": "ä\n"}) == '{"a":"ä\\n","b":[1,null]}\n'.encode()


@given(VALUES)
def test_what_is_written_can_be_read_and_written_again(value):
    written = canonical(value)
    assert canonical(json.loads(written)) == written


def test_the_order_of_keys_does_not_matter():
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [1.5, [0.0], {"a": {"b": (1.0,)}}])
def test_a_float_is_refused(value):
    with pytest.raises(TypeError, match="write it as text"):
        canonical(value)


def test_the_digest_is_sha256():
    assert digest(b"x") == sha256(b"x").hexdigest()
