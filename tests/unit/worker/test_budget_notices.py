"""What budgets have reached goes the way of dead letters' notices: queue, log and webhook."""

import asyncio

import pytest
from fakeredis import FakeRedis
from structlog.testing import capture_logs

from issuance.budget import Budget
from ledger.budgets.changes import lock_budgets, set_budget
from ledger.budgets.notices import unpublished_notices
from limiter.webhook_breaker import WebhookBreaker
from tests.contract.ledger.build import issue, judge, make_jobs
from tests.unit.worker.process import published_notices
from tests.unit.worker.test_alerting import FakeWebhook
from worker import outbox as module
from worker.alerting import Alerting, WebhookCalls
from worker.dispatcher import run_release
from worker.notices import Notices


@pytest.fixture
def half_used(book):
    """A campaign that has used 2 of 4 units."""
    book.accept(*make_jobs(4))
    with book.ledger.write() as connection:
        lock_budgets(connection)
        set_budget(connection, book.campaign.id, Budget(units=4))
    (chunk,) = book.release(window=2)
    held = book.claim(chunk)
    book.record(held, *(judge(job, issue(job)) for job in held.jobs))
    return book


def alerting_with(webhook, book, server):
    redis = FakeRedis(server=server, decode_responses=True)
    calls = WebhookCalls(webhook, WebhookBreaker(redis, "https://hooks.test/1"), asyncio.run)
    return Alerting(book.ledger, calls, lease_seconds=0.0)


def test_a_round_of_the_release_publishes_a_level_once(services, half_used):
    with capture_logs() as logged:
        run_release(services)
        run_release(services)
    (notices,) = [each for each in published_notices(services.app) if each.budget_notices]
    assert len(notices.budget_notices) == 1
    (event,) = [each for each in logged if each["event"] == "budget_reached"]
    assert (event["log_level"], event["campaign"], event["percent"]) == ("warning", "diwali", 50)
    assert unpublished_notices(half_used.ledger) == []


def test_a_notice_is_logged_and_posted_with_its_figures(services, half_used, server):
    run_release(services)
    (notices,) = published_notices(services.app)
    webhook = FakeWebhook()
    with capture_logs() as logged:
        alerting_with(webhook, half_used, server).handle(notices)
    assert [event["event"] for event in logged] == ["budget_alert"]
    ((message_id, message),) = webhook.posted
    assert message_id.startswith("msg_")
    assert message["type"] == "campaign.budget_reached"
    (budget,) = message["data"]["budgets"]
    assert (budget["campaign"], budget["state"], budget["percent"]) == ("diwali", "running", 50)
    assert budget["budget"] == {"units": 4, "points": None}
    assert (budget["issued"]["units"], budget["reserved"]["units"]) == (2, 2)


def test_what_the_webhook_does_not_accept_is_published_again_under_the_same_id(
    services, half_used, server
):
    run_release(services)
    (notices,) = published_notices(services.app)
    webhook = FakeWebhook(error="HTTP 500")
    alerting = alerting_with(webhook, half_used, server)
    alerting.handle(notices)
    assert services.outbox.publish_budgets() == 1
    *_, again = published_notices(services.app)
    assert again == notices
    webhook.error = ""
    alerting.handle(again)
    assert len({message_id for message_id, _ in webhook.posted}) == 1
    assert services.outbox.publish_budgets() == 0


def test_notices_wait_while_the_queue_is_full_or_the_webhook_suspended(
    services, half_used, monkeypatch
):
    monkeypatch.setattr(module, "QUEUE_MOST", 0)
    run_release(services)
    assert published_notices(services.app) == []
    assert len(unpublished_notices(half_used.ledger)) == 1


def test_an_unknown_notice_is_logged_and_nothing_is_posted(half_used, server):
    webhook = FakeWebhook()
    with capture_logs() as logged:
        alerting_with(webhook, half_used, server).handle(Notices(budget_notices=(99,)))
    assert [event["event"] for event in logged] == ["budget_notice_unknown"]
    assert webhook.posted == []
