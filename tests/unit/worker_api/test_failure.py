"""Errors of httpx's transports are explained like aiohttp's, which contract tests provoke."""

import httpx
import pytest

from rewards_api.failure import explain


@pytest.mark.parametrize(
    ("error", "kind", "sent"),
    [
        (httpx.ConnectError("x"), "connect", False),
        (httpx.ConnectTimeout("x"), "connect", False),
        (httpx.PoolTimeout("x"), "connect", False),
        (httpx.ReadTimeout("x"), "timeout", True),
        (httpx.WriteTimeout("x"), "timeout", True),
        (TimeoutError(), "timeout", True),
        (httpx.ReadError("x"), "reset", True),
        (httpx.WriteError("x"), "reset", True),
        (ConnectionResetError(), "reset", True),
        (httpx.RemoteProtocolError("x"), "protocol", True),
        (RuntimeError("x"), "protocol", True),
    ],
)
def test_only_what_fails_before_the_connection_was_not_sent(error, kind, sent):
    reply = explain(error)
    assert (reply.kind, reply.sent) == (kind, sent)


def test_the_text_of_an_error_is_not_shown():
    assert (
        "919800000001" not in explain(httpx.ReadError("https://host/customer/919800000001")).detail
    )
