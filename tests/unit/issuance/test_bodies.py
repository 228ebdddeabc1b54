"""The request bodies of rewards-api §3 exactly: keys, types and no other field."""

import json

import pytest

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body

MOBILE = Customer("mobile", "919800000001")
PLAIN = Line("r-a", 1001)
FULL = Line(
    "r-b",
    1002,
    quantity=2,
    org_id=7,
    fields={
        "paymentConfig": {"id": 55, "redemptionValue": 1.5},
        "customFields": {"gift": "yes"},
    },
)


ONCE = {"fields": {"eventLogId": "blast42"}, "org_fields": {"notes": "n"}}


def freeze(variant, *lines, customer=MOBILE, email_key="email", **extra):
    return json.loads(
        freeze_body(variant, customer, lines, brand="DEMO", email_key=email_key, **extra)
    )


def test_a_bulk_body_has_exactly_the_documented_fields():
    assert freeze(Variant.BULK, PLAIN, FULL, **ONCE) == {
        "mobile": "919800000001",
        "brand": "DEMO",
        "transactionNumber": "r-a",
        "notes": "n",
        "eventLogId": "blast42",
        "rewards": [
            {"rewardId": 1001, "quantity": 1, "requestId": "r-a"},
            {
                "rewardId": 1002,
                "quantity": 2,
                "requestId": "r-b",
                "paymentConfig": {"id": 55, "redemptionValue": 1.5},
                "customFields": {"gift": "yes"},
            },
        ],
    }


def test_a_single_body_has_its_request_id_at_the_top_and_neither_reward_nor_quantity():
    line = Line("r-a", 1001, fields={"paymentConfig": {"id": 55}, "customFields": {"gift": "yes"}})
    assert freeze(Variant.SINGLE, line, **ONCE) == {
        "mobile": "919800000001",
        "brand": "DEMO",
        "transactionNumber": "r-a",
        "notes": "n",
        "eventLogId": "blast42",
        "requestId": "r-a",
        "paymentConfig": {"id": 55},
        "customFields": {"gift": "yes"},
    }


def test_a_connected_body_has_an_org_in_each_reward_and_one_note_per_org():
    lines = (Line("r-a", 1001, org_id=8), FULL, Line("r-c", 1003, org_id=8))
    assert freeze(Variant.CONNECTED, *lines, **ONCE) == {
        "mobile": "919800000001",
        "brand": "DEMO",
        "transactionNumber": "r-a",
        "eventLogId": "blast42",
        "orgLevelDetails": [{"orgId": 8, "notes": "n"}, {"orgId": 7, "notes": "n"}],
        "rewards": [
            {"rewardId": 1001, "quantity": 1, "requestId": "r-a", "orgId": 8},
            {
                "rewardId": 1002,
                "quantity": 2,
                "requestId": "r-b",
                "paymentConfig": {"id": 55, "redemptionValue": 1.5},
                "customFields": {"gift": "yes"},
                "orgId": 7,
            },
            {"rewardId": 1003, "quantity": 1, "requestId": "r-c", "orgId": 8},
        ],
    }


@pytest.mark.parametrize("variant", [Variant.SINGLE, Variant.BULK])
def test_absent_values_are_not_sent(variant):
    body = freeze(variant, PLAIN)
    assert body.keys() == {"mobile", "brand", "transactionNumber"} | (
        {"requestId"} if variant is Variant.SINGLE else {"rewards"}
    )


def test_a_connected_org_without_notes_has_only_its_id():
    body = freeze(Variant.CONNECTED, FULL)
    assert body["orgLevelDetails"] == [{"orgId": 7}]
    assert body.keys() == {"mobile", "brand", "transactionNumber", "orgLevelDetails", "rewards"}


@pytest.mark.parametrize(
    ("customer", "key"),
    [
        (MOBILE, "mobile"),
        (Customer("externalId", "Ann-1"), "externalId"),
        (Customer("email", "Ann@x.org"), "emailId"),
    ],
)
def test_the_identifier_is_sent_unchanged_under_its_key(customer, key):
    assert (
        freeze(Variant.BULK, PLAIN, customer=customer, email_key="emailId")[key] == customer.value
    )


def test_the_body_is_reproducible_compact_utf_8():
    line = Line("r-a", 1001, fields={"customFields": {"name": "Zoë 🎁"}})
    bodies = {
        freeze_body(Variant.BULK, MOBILE, (line,), brand="Café", email_key="email")
        for _ in range(3)
    }
    assert bodies == {
        '{"mobile":"919800000001","brand":"Café","transactionNumber":"r-a","rewards":[{"rewardId":1001,'
        '"quantity":1,"requestId":"r-a","customFields":{"name":"Zoë 🎁"}}]}'.encode()
    }


@pytest.mark.parametrize(
    ("variant", "lines", "remedy"),
    [
        (Variant.BULK, (), "one or more lines"),
        (Variant.BULK, (PLAIN, Line("r-a", 1002)), "a requestId of its own"),
        (Variant.BULK, (Line("r-a", 1001, quantity=0),), "raise its quantity"),
        (Variant.SINGLE, (PLAIN, FULL), "takes 1 line"),
        (Variant.SINGLE, (FULL,), "issues 1 unit\\(s\\) whatever is asked"),
        (Variant.CONNECTED, (FULL, PLAIN), "needs an orgId for every line"),
    ],
)
def test_what_an_endpoint_cannot_accept_is_refused_with_a_remedy(variant, lines, remedy):
    with pytest.raises(ValueError, match=remedy):
        freeze(variant, *lines)


def test_the_first_request_id_is_the_jobs_id_and_transaction_number():
    lines = (PLAIN, FULL)
    body = freeze_body(Variant.BULK, MOBILE, lines, brand="DEMO", email_key="email")
    job = Job(MOBILE, lines, Variant.BULK, body, Lane.BLAST)
    assert job.id == "r-a" == json.loads(job.body)["transactionNumber"]


def test_the_points_to_pay_are_sent_in_the_payment_config():
    line = Line("r-a", 1009, fields={"paymentConfig": {"id": 91, "points": 500}})
    assert freeze(Variant.BULK, line)["rewards"][0]["paymentConfig"] == {"id": 91, "points": 500}
    assert freeze(Variant.SINGLE, line)["paymentConfig"] == {"id": 91, "points": 500}
