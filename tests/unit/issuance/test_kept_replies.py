"""What is kept of replies that cannot be read."""

from hashlib import sha256

import pytest

from issuance.replies.kept import KEPT_BYTES, cut_unreadable


@pytest.mark.parametrize("length", [0, 1, KEPT_BYTES])
def test_a_short_reply_is_kept_whole(length):
    assert cut_unreadable(b"x" * length) == b"x" * length


def test_a_long_reply_keeps_its_beginning_its_length_and_its_digest():
    body = b"<html>" + b"x" * (2 * 1024 * 1024)
    kept = cut_unreadable(body)
    assert kept.startswith(body[:KEPT_BYTES])
    assert len(kept) < KEPT_BYTES + 200
    assert f"of {len(body)} bytes".encode() in kept
    assert sha256(body).hexdigest().encode() in kept
