"""Calls of the webhook, with real servers: bounded in time, signed, tried once more."""

import asyncio
import time
from base64 import b64encode

import pytest
from standardwebhooks.webhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.contract.webhook.receiver import (
    answer,
    drip,
    drip_body,
    hang,
    redirect,
    run_receiver,
    vanish,
)
from tests.valkey import free_port
from worker.webhook import Webhook

BODY = b'{"type":"dead_letters.opened","data":{"campaign":"Fr\xc3\xbchling"}}'
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


def _deliver(url, *, keys=(), seconds=5.0, message_id="msg_1"):
    started = time.monotonic()
    webhook = Webhook(url, keys=keys, seconds=seconds)
    return asyncio.run(webhook.deliver(message_id, BODY)), time.monotonic() - started


def test_an_accepted_message_is_sent_once():
    with run_receiver() as receiver:
        assert _deliver(receiver.url)[0] == ""
    (request,) = receiver.requests
    assert request.body == BODY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"
    assert "webhook-signature" not in request.headers


def test_a_signature_is_verified_by_the_standards_own_library():
    with run_receiver() as receiver:
        _deliver(receiver.url, keys=(KEY,))
    (request,) = receiver.requests
    verifier = StandardWebhook(f"whsec_{b64encode(KEY).decode()}")
    assert verifier.verify(request.body, request.headers)["type"] == "dead_letters.opened"
    with pytest.raises(WebhookVerificationError):
        verifier.verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        StandardWebhook(OTHER_KEY).verify(request.body, request.headers)


def test_while_a_secret_is_replaced_both_sign():
    with run_receiver() as receiver:
        _deliver(receiver.url, keys=(KEY, OTHER_KEY))
    (request,) = receiver.requests
    for key in (KEY, OTHER_KEY):
        StandardWebhook(key).verify(request.body, request.headers)


@pytest.mark.parametrize("behaviour", [hang, drip], ids=["hangs", "drips"])
def test_a_server_that_never_finishes_its_answer_holds_nothing_up(behaviour):
    with run_receiver(behaviour) as receiver:
        error, took = _deliver(receiver.url, seconds=0.4)
        assert took < 3
        assert receiver.closed[0].wait(5) or behaviour is hang  # the connection is not left open
    assert error == "no answer within 0.4 s"


def test_the_body_of_an_answer_is_not_read():
    with run_receiver(drip_body) as receiver:
        error, took = _deliver(receiver.url)
        assert receiver.closed[0].wait(5)
    assert error == ""
    assert took < 3


@pytest.mark.parametrize("first", [answer(500), answer(503), answer(429), vanish])
def test_a_passing_failure_is_tried_once_more_under_the_same_id(first):
    with run_receiver(first, answer(204)) as receiver:
        assert _deliver(receiver.url, keys=(KEY,))[0] == ""
    one, other = receiver.requests
    assert one.headers["webhook-id"] == other.headers["webhook-id"]
    assert one.body == other.body
    assert other.at - one.at >= 0.4
    StandardWebhook(KEY).verify(other.body, other.headers)


@pytest.mark.parametrize(
    ("behaviour", "error", "calls"),
    [
        (answer(500), "HTTP 500", 2),
        (answer(400), "HTTP 400", 1),
        (answer(410), "HTTP 410", 1),
        (redirect, "HTTP 307", 1),
        (vanish, "RemoteProtocolError", 2),
    ],
)
def test_a_failure_is_said_without_the_url(behaviour, error, calls):
    with run_receiver(behaviour) as receiver:
        found, _ = _deliver(receiver.url)
    assert found == error
    assert len(receiver.requests) == calls


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/secret", "http://[secret", "http://127.0.0.1:99999/secret"]
)
def test_a_server_that_cannot_be_reached_is_an_error_without_the_url(url):
    error, took = _deliver(url.format(port=free_port()))
    assert error
    assert "secret" not in error
    assert took < 5


def test_no_text_of_a_webhook_shows_its_url_or_its_key():
    shown = repr(Webhook("https://hooks.test/secret", keys=(KEY,)))
    assert "secret" not in shown
    assert str(KEY) not in shown
