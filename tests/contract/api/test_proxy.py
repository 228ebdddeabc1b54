"""The environment's proxy is used for the API, and never for a loopback API."""

import pytest

from issuance.endpoint import Variant
from issuance.replies.reply import Answer


@pytest.fixture
def proxied(monkeypatch):
    """Sets these proxy variables and unsets all others."""

    def set_proxy(url, *, no_proxy=""):
        for name in ("all_proxy", "http_proxy", "https_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", no_proxy)

    return set_proxy


async def test_a_call_goes_through_the_proxy_of_the_environment(serve, connect, answer, proxied):
    proxy = await serve(answer())
    proxied(proxy.url)
    assert await connect("http://rewards.invalid").issue(Variant.BULK, b"{}") == Answer(200, b"{}")
    assert proxy.requests[0].startswith(b"POST http://rewards.invalid/api_gateway/")


async def test_a_proxy_that_cannot_be_reached_was_not_sent_anything(connect, proxied):
    proxied("http://127.0.0.1:1")
    reply = await connect("http://rewards.invalid").issue(Variant.BULK, b"{}")
    assert (reply.kind, reply.sent) == ("connect", False)


async def test_a_host_in_no_proxy_is_called_directly(serve, connect, answer, proxied):
    proxy = await serve(answer())
    proxied(proxy.url, no_proxy="rewards.invalid")
    reply = await connect("http://rewards.invalid").issue(Variant.BULK, b"{}")
    assert (reply.kind, reply.sent) == ("connect", False)
    assert proxy.requests == []


async def test_a_loopback_api_is_called_directly(serve, connect, answer, proxied):
    server, proxy = await serve(answer("200 OK", b"api")), await serve(answer("200 OK", b"proxy"))
    proxied(proxy.url)
    assert await connect(server.url).issue(Variant.BULK, b"{}") == Answer(200, b"api")
