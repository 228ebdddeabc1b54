"""A producer's requests are one entry of the audit log for each campaign, not one for each call."""

import os
from collections.abc import Iterator

import pytest

from config.endpoints import Servers
from config.system_user import system_user
from ledger.audit_log import actions_on
from ledger.queries.audit_verification import verify_audit_log
from producers.producer import Producer


@pytest.fixture
def producer(settings) -> Iterator[Producer]:
    with Producer(settings, Servers.of(settings)) as made:
        yield made


def test_a_producer_is_recorded_once_for_each_campaign(producer):
    for number in range(1, 4):
        producer.enqueue(mobile=f"91980000000{number}", reward_id=1001, key=f"k{number}")
    producer.enqueue(mobile="919800000009", reward_id=1001, key="k9", campaign="orders")
    for campaign in ("background", "orders"):
        (entry,) = actions_on(producer.ledger, f"campaign:{campaign}")
        assert (entry.verb, entry.way) == ("accept", "python")
        assert (entry.subject, entry.uid) == (system_user().name, os.getuid())
        assert "9198" not in entry.after + entry.reason
    assert verify_audit_log(producer.ledger).flaw is None
