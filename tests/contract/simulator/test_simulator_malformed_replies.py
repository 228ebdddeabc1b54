"""Untidy replies, which mean the same, and malformed ones, which cannot be used."""

import json
from random import Random

import pytest

from simulator.malformation import CHANGES
from simulator.untidiness import untidy

CORE = "/api_gateway/rewards/core"
REPLY = {
    "status": {"success": True, "code": 200, "message": "ok"},
    "rewards": [
        {
            "transactionId": 300001,
            "quantity": 2,
            "requestId": "r",
            "promotions": [],
            "intouch": None,
        }
    ],
}


def drawn(value, draws=300, rate=0.4):
    rng = Random(3)
    return [untidy(value, rate, rng) for _ in range(draws)]


def test_a_tidy_reply_is_untouched():
    assert untidy(REPLY, 0.0, Random(0)) == REPLY


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        (("status", "code"), {200, "200"}),
        (("status", "success"), {True, "true", "missing"}),
        (("rewards", 0, "quantity"), {2, "2"}),
        (("rewards", 0, "requestId"), {"r", "missing"}),
    ],
)
def test_numbers_flags_and_optional_fields_take_each_documented_form(path, seen):
    found = set()
    for reply in drawn(REPLY):
        value = reply
        for step in path:
            value = value[step] if isinstance(step, int) else value.get(step, "missing")
        found.add(value)
    assert found == seen


def test_empty_lists_and_nulls_are_swapped_and_unknown_fields_are_added():
    entries = [reply["rewards"][0] for reply in drawn(REPLY)]
    assert {json.dumps(entry["promotions"]) for entry in entries} == {"[]", "null"}
    assert {json.dumps(entry["intouch"]) for entry in entries} == {"[]", "null"}
    assert any(name.startswith("addedField") for entry in entries for name in entry)


@pytest.mark.parametrize(
    ("written", "also"), [("300101", 300101), ("0042", "0042"), ("r-1", "r-1")]
)
def test_text_becomes_a_number_only_without_loss(written, also):
    assert set(drawn(written, rate=1.0)) == {also}


def test_untidiness_restarts_from_its_seed_after_each_change(api, sim):
    def shapes():
        sim.reset()
        replies = [api.issue(api.line(1001, 1, f"k-{number}")) for number in range(5)]
        return [sorted(reply) + sorted(reply["rewards"][0]) for reply in replies]

    sim.switch(untidiness=0.3, untidiness_seed=5)
    first = shapes()
    assert shapes() == first
    sim.switch(untidiness_seed=6)
    assert shapes() != first


def test_untidiness_does_not_change_the_records(api, sim):
    sim.switch(untidiness=0.5)
    for number in range(10):
        api.issue(api.line(1002, 1, f"k-{number}"))
    assert (sim.summary()["unitsIssued"], sim.summary()["pointsCharged"]) == (10, 100)


def test_faults_and_untidiness_can_be_combined(api, sim):
    sim.switch(untidiness=1.0)
    sim.faults(next=[{"fault": kind} for kind in ("empty_200", "502_html", "401")])
    assert [api.bulk(api.line()).status_code for _ in range(4)] == [200, 502, 401, 200]


@pytest.mark.parametrize("kind", list(CHANGES))
def test_a_malformed_reply_hides_an_issued_reward(api, sim, kind):
    sim.faults(next=[{"fault": kind}])
    line = api.line(1001, 1, "k")
    with api.client.stream(
        "POST", f"{CORE}/v1/user/rewards/issue", params=_till(), json=_body(line)
    ) as reply:
        start = next(reply.iter_raw(), b"")
    assert reply.status_code == 200
    assert not start.startswith(b'{"status":{"success":true') or kind.startswith("huge")
    assert sim.truth("k")["issued"] == 1
    assert (
        api.issue(line)["rewards"][0]["intouch"][0]["couponCode"] == sim.truth("k")["vouchers"][0]
    )


def test_a_huge_reply_is_valid_json_of_its_stated_length(api, sim):
    sim.faults(next=[{"fault": "huge_body_after_commit"}])
    reply = api.bulk(api.line())
    assert len(reply.content) == int(reply.headers["content-length"]) > 50_000_000
    assert reply.json()["status"]["code"] == 200


def test_a_gzip_bomb_is_small_on_the_wire_and_large_in_memory(api, sim):
    sim.faults(next=[{"fault": "gzip_bomb_after_commit"}])
    reply = api.bulk(api.line())
    assert int(reply.headers["content-length"]) < 500_000
    assert len(reply.content) > 50_000_000


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("not_utf8_after_commit", UnicodeDecodeError),
        ("empty_200_after_commit", json.JSONDecodeError),
    ],
)
def test_some_malformed_replies_cannot_be_parsed(api, sim, kind, error):
    sim.faults(next=[{"fault": kind}])
    with pytest.raises(error):
        json.loads(api.bulk(api.line()).content.decode())


def test_wrong_types_arrays_and_duplicate_keys_are_valid_json(api, sim):
    kinds = ["wrong_types_after_commit", "array_after_commit", "duplicate_keys_after_commit"]
    sim.faults(next=[{"fault": kind} for kind in kinds])
    wrong, array, doubled = (api.bulk(api.line()) for _ in kinds)
    assert isinstance(wrong.json()["status"], list)
    assert array.json()[0]["status"]["code"] == 200
    assert (doubled.text.count('"status":'), doubled.json()["status"]["code"]) == (3, 200)


def test_reads_can_be_malformed_too(api, sim):
    api.issue()
    customer = api.customer_id()
    sim.faults(next=[{"fault": "array_after_commit", "path": "/issuals"}])
    path = f"{CORE}/v1/management/customer/{customer}/issuals"
    assert [type(api.client.get(path).json()) for _ in range(2)] == [list, dict]


def _till():
    return {"username": "demo.till", "skip_validation": "true"}


def _body(line):
    return {
        "mobile": "919800000001",
        "brand": "DEMO",
        "transactionNumber": "t-1",
        "rewards": [line],
    }
