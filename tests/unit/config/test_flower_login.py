"""Flower's login: any password that can be typed, and no other one is let in."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.flower_login import FlowerLogin

typed = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(str.strip)


def _header(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@given(typed.filter(lambda user: ":" not in user), typed)
def test_what_is_set_is_let_in_and_nothing_shorter(user, password):
    login = FlowerLogin.parse(f"{user}:{password}")
    assert (login.user, login.password) == (user, password)
    assert login.admits(_header(login.text))
    assert not login.admits(_header(login.text[:-1]))
    assert not login.admits(_header(login.text + "x"))


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_is_answered(header):
    assert not FlowerLogin("a", "b" * 20).admits(header)


@pytest.mark.parametrize("text", ["", "a", "a:", ":b", " : ", "a: ", "a:b\n", "a:\x00", "a:\udc80"])
def test_a_login_that_no_browser_can_send_is_refused(text):
    with pytest.raises(ValueError, match=r"must be user:password|control character"):
        FlowerLogin.parse(text)


def test_a_random_password_is_new_each_time_and_not_in_the_repr():
    first, second = FlowerLogin.make(), FlowerLogin.make()
    assert len(first.password) == 24
    assert first.password != second.password
    assert first.password not in repr(first)
