"""Identifiers and vouchers are in clear text only in the ledger and at the API."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.client import PubSub

from tests.e2e.processes import await_that
from tests.e2e.system import System

_CAMPAIGN = "private"
_MOBILES = [f"9198050{number:05d}" for number in range(40)]
_EMAILS = [f"asha.rao{number}@mail.example" for number in range(20)]
_EXTERNAL_IDS = [f"CRM-ASHA-{number:04d}" for number in range(20)]
_MAGIC = [f"91970050{ending}" for ending in ("9006", "9102", "9103", "9110")]
_NAMED_IN_MESSAGE = _MOBILES[7]
"""The API's message repeats the identifiers of this customer."""
_KEPT_BODY = re.compile(rb'"body":\s*"([A-Za-z0-9+/=]{8,})"')


def _rows() -> list[dict[str, object]]:
    rows = [{"mobile": mobile, "rewardId": 1001, "quantity": 2} for mobile in _MOBILES]
    rows += [{"email": email, "rewardId": 1004, "notes": "with thanks"} for email in _EMAILS]
    rows += [{"externalId": external_id, "rewardId": 1003} for external_id in _EXTERNAL_IDS]
    return rows + [{"mobile": mobile, "rewardId": 1001} for mobile in _MAGIC]


def _received(listener: PubSub) -> Iterator[bytes]:
    while (message := listener.get_message(timeout=0.2)) is not None:
        if message["type"] == "pmessage":
            yield message["data"]


@pytest.fixture(scope="module")
def events(shared: System) -> bytes:
    """All messages on the broker's channels (events, remote control) during a blast."""
    message = f"Customer {_NAMED_IN_MESSAGE} ({_EMAILS[0]}) is not valid"
    shared.plan_faults(
        {"customers": {_NAMED_IN_MESSAGE: [{"kind": "outcome", "code": 8003, "message": message}]}}
    )
    with Redis.from_url(shared.running.broker_url) as broker, broker.pubsub() as listener:
        listener.psubscribe("*")
        shared.accept(_CAMPAIGN, _rows())
        shared.wait_settled(_CAMPAIGN)
        return b"\n".join(_received(listener))


@pytest.fixture(scope="module")
def secrets(shared: System, events: bytes) -> list[str]:
    vouchers = [voucher for line in shared.lines(_CAMPAIGN) for voucher in line.vouchers]
    assert len(vouchers) > 100
    return [*_MOBILES, *_EMAILS, *_EXTERNAL_IDS, *_MAGIC, *vouchers]


def _with_bodies(raw: bytes) -> str:
    """The text, followed by the decoded base64 bodies of Celery's messages."""
    bodies = [base64.b64decode(body) for body in _KEPT_BODY.findall(raw.replace(b'\\"', b'"'))]
    return b"\n".join([raw, *bodies]).decode(errors="replace")


def _shown(secrets: list[str], text: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


def _stored(broker: Redis) -> Iterator[bytes]:
    """Every key with its value."""
    read: dict[bytes, Any] = {
        b"string": broker.get,
        b"hash": broker.hgetall,
        b"set": broker.smembers,
        b"list": lambda key: broker.lrange(key, 0, -1),
        b"zset": lambda key: broker.zrange(key, 0, -1),
        b"stream": broker.xrange,
    }
    for key in broker.scan_iter():
        yield key + b" " + repr(read[broker.type(key)](key)).encode()


def test_no_log_shows_an_identifier_or_a_voucher(shared: System, secrets: list[str]):
    text = shared.log_text()
    assert _shown(secrets, text) == []
    assert "Customer **** [email] is not valid" in text, (
        "the API's message about the customer was not logged, so nothing was tested"
    )


def test_no_key_or_value_of_the_broker_shows_an_identifier_or_a_voucher(
    shared: System, secrets: list[str]
):
    # The append-only file holds every command that changed it: messages, locks.
    written = b"".join(path.read_bytes() for path in (shared.home / "broker").rglob("*.aof"))
    with Redis.from_url(shared.running.broker_url) as broker:
        kept = b"\n".join(_stored(broker))
    text = _with_bodies(written) + _with_bodies(kept)
    assert shared.lines(_CAMPAIGN)[0].request_id in text, (
        "the messages were not found, so nothing was tested"
    )
    assert _shown(secrets, text) == []


def test_no_event_of_the_broker_shows_an_identifier_or_a_voucher(
    shared: System, secrets: list[str], events: bytes
):
    text = _with_bodies(events)
    assert "task-received" in text
    assert _shown(secrets, text) == []


def test_flower_finds_a_reward_by_its_request_id_and_shows_nothing_personal(
    shared: System, secrets: list[str]
):
    request_id = shared.lines(_CAMPAIGN)[0].request_id
    with httpx.Client(
        base_url=shared.running.flower_url, auth=("test", "flower"), timeout=20
    ) as flower:
        found = await_that("Flower has the chunk", lambda: _search(flower, request_id))
        assert all(
            _CAMPAIGN in chunk["args"] and request_id in chunk["args"] for chunk in found.values()
        )
        everything = flower.get("/api/tasks").raise_for_status().text
        page = flower.get("/tasks").raise_for_status()
    assert _shown(secrets, everything + page.text) == []
    assert "text/html" in page.headers["content-type"]


def _search(flower: httpx.Client, request_id: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = (
        flower.get("/api/tasks", params={"search": request_id}).raise_for_status().json()
    )
    return found


def test_a_search_for_a_request_id_finds_the_rewards_history(shared: System, secrets: list[str]):
    [line] = [line for line in shared.lines(_CAMPAIGN) if line.customer.value == _MAGIC[0]]
    story = [json.loads(text) for text in shared.log_text().splitlines() if line.request_id in text]
    attempts = [event for event in story if event["event"] == "attempt_recorded"]
    assert [(event["attempt"], event["outcome"]) for event in attempts] == [
        (1, "in_doubt"),
        (2, "issued"),
    ]
    assert [event["decision"].split(" in ")[0] for event in attempts] == [
        "try again",
        "settle issued",
    ]
    assert {event["campaign"] for event in attempts} == {_CAMPAIGN}
