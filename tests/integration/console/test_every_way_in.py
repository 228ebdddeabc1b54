"""A field gives the same body from a CSV row, a JSONL row, a Python call or an option."""

import json

import pytest
from sqlalchemy import select

from config.endpoints import Servers
from config.settings import Settings
from ledger.store.schema import jobs
from producers import Producer
from producers.fields.line import ALL

MOBILE, REWARD = "919800000001", 1001
VALUES = {
    "quantity": 2,
    "payment_config_id": 55,
    "redemption_value": 12.5,
    "points": 500,
    "org_id": 7,
    "custom_fields": {"tier": "gold"},
    "event_log_id": "log-9",
    "notes": "thank you",
}
"""One value for each field that a line may carry."""


def cells(described, value):
    name = described.field.name
    if described.is_map:
        return {f"{name}.{key}": text for key, text in value.items()}
    return {name: value}


def option(described, value):
    if described.is_map:
        ((name, text),) = value.items()
        return f"--{described.key.removesuffix('s').replace('_', '-')}", f"{name}={text}"
    return f"--{described.key.replace('_', '-')}", value


def contents(ledger):
    """Read every body, without what its requestId decides."""
    with ledger.read() as connection:
        bodies = [json.loads(body) for body in connection.scalars(select(jobs.c.body))]
    for body in bodies:
        del body["transactionNumber"], body["rewards"][0]["requestId"]
    return bodies


def test_every_optional_field_has_a_value_here():
    required = {"mobile", "email", "external_id", "reward_id"}
    assert VALUES.keys() == {each.key for each in ALL} - required


@pytest.mark.parametrize("key", VALUES)
def test_every_way_in_makes_the_same_body(run, ledger, tmp_path, key):
    value = VALUES[key]
    (described,) = [each for each in ALL if each.key == key]
    given = {"mobile": MOBILE, "rewardId": REWARD, **cells(described, value)}
    csv_file, jsonl_file = tmp_path / "a.csv", tmp_path / "b.jsonl"
    csv_file.write_text(f"{','.join(given)}\n{','.join(map(str, given.values()))}\n")
    jsonl_file.write_text(json.dumps(given))
    for file in (csv_file, jsonl_file):
        assert run("blast", file, "--campaign", file.stem).exit_code == 0
    assert (
        run("issue", "--mobile", MOBILE, "--reward-id", REWARD, *option(described, value)).exit_code
        == 0
    )
    settings = Settings()
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile=MOBILE, reward_id=REWARD, **{key: value})
    bodies = contents(ledger)
    assert len(bodies) == 4
    assert all(body == bodies[0] for body in bodies)
