"""A server's URL is readable only if a password's characters do not end it too early."""

import pytest

from issuance.server_url_text import is_readable


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6379/0", True),
        ("postgresql://asha:p%40ss@db/rewards", True),
        ("postgresql://u@a,b/db", True),
        ("postgresql://asha:p@ss@db/rewards", False),
        ("postgresql://asha:p/ss@db/rewards", False),
        ("postgresql://asha:p?ss@db/rewards", False),
        ("postgresql://asha:p#ss@db/rewards", False),
        ("postgresql://asha:100%@db/rewards", False),
        ("rewards", False),
    ],
)
def test_a_url_is_readable_if_each_part_is_where_it_belongs(url, expected):
    assert is_readable(url) is expected
