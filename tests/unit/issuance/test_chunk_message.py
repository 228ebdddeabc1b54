"""A chunk's message is believed only with the mark that the release's key makes of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.chunk_message import ChunkMessage
from issuance.job import Lane

KEY = bytes(range(32))
MESSAGE = ChunkMessage("5f0c8a52-8f0e-4c5c-9f66-0d4f3a3a7d10", 7, Lane.BLAST, (3, 4, 5))

numbers = st.integers(-(2**63), 2**63)
messages = st.builds(
    ChunkMessage, st.text(), numbers, st.sampled_from(Lane), st.lists(numbers).map(tuple)
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(messages)
def test_a_message_is_read_as_it_was_written(message):
    assert ChunkMessage.read(message.chunk_id, message.arguments(KEY), KEY) == message


@given(messages, messages)
def test_no_two_messages_have_the_same_mark(first, second):
    assert (first.mark(KEY) == second.mark(KEY)) is (first == second)


@pytest.mark.parametrize(
    "changed",
    [
        {"chunk_id": "5f0c8a52-8f0e-4c5c-9f66-0d4f3a3a7d11"},
        {"campaign_id": 8},
        {"lane": Lane.BACKGROUND},
        {"job_numbers": (3, 4)},
        {"job_numbers": (3, 4, 5, 6)},
        {"job_numbers": (34, 5)},
        {"job_numbers": (5, 4, 3)},
    ],
)
def test_a_message_with_another_messages_mark_is_refused(changed):
    changed_message = replace(MESSAGE, **changed)
    *said, _ = changed_message.arguments(KEY)
    assert ChunkMessage.read(changed_message.chunk_id, [*said, MESSAGE.mark(KEY)], KEY) is None


def test_a_mark_of_another_deployment_is_refused():
    assert ChunkMessage.read(MESSAGE.chunk_id, MESSAGE.arguments(bytes(32)), KEY) is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [[3, 4, 5]],
        [[3, 4, 5], 7, "blast"],
        [[3, 4, 5], 7, "blast", ""],
        [[3, 4, 5], 7, "blast", None],
        [[3, 4, 5], 7, "blast", "é"],
        [[3, 4, 5], 7, "blast", "\ud800"],
        [[3, 4, 5], 7, "no lane", MESSAGE.mark(KEY)],
        [[3, 4, 5], 7, ["blast"], MESSAGE.mark(KEY)],
        [[3, 4, 5], True, "blast", MESSAGE.mark(KEY)],
        [[3, 4, "5"], 7, "blast", MESSAGE.mark(KEY)],
        [[3, 4, 5.0], 7, "blast", MESSAGE.mark(KEY)],
        ["345", 7, "blast", MESSAGE.mark(KEY)],
        [[3, 4, 5], 7, "blast", MESSAGE.mark(KEY), 1],
    ],
)
def test_a_message_of_another_shape_is_refused(arguments):
    assert ChunkMessage.read(MESSAGE.chunk_id, arguments, KEY) is None


def test_a_message_without_an_id_is_refused():
    assert ChunkMessage.read(None, MESSAGE.arguments(KEY), KEY) is None


@given(anything, st.lists(anything, max_size=6))
def test_whatever_a_client_sends_is_refused_without_an_error(chunk_id, arguments):
    assert ChunkMessage.read(chunk_id, arguments, KEY) is None
