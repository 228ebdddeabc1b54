"""Alerts say what the ledger holds; what the webhook does not accept goes back to the outbox."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from celery.exceptions import Reject
from fakeredis import FakeRedis
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from broker.queues import DEAD_LETTER_TASK
from ledger.dead_letters.outbox import LetterRange, mark_published, unpublished
from limiter.webhook_breaker import WebhookBreaker
from tests.contract.ledger.build import judge, make_job, make_jobs, refuse
from tests.unit.worker.test_chunk_handler import UnavailableLedger
from worker.alerting import Alerting, WebhookCalls
from worker.notices import Notices
from worker.tasks import register_tasks


@dataclass
class FakeWebhook:
    """Records what is posted; fails with `error` if there is one."""

    error: str = ""
    posted: list[tuple[str, dict]] = field(default_factory=list)

    async def deliver(self, message_id, body):
        self.posted.append((message_id, json.loads(body)))
        return self.error


@pytest.fixture
def webhook():
    return FakeWebhook()


@pytest.fixture
def alerting(book, webhook, server):
    redis = FakeRedis(server=server, decode_responses=True)
    calls = WebhookCalls(webhook, WebhookBreaker(redis, "https://hooks.test/1"), asyncio.run)
    return Alerting(book.ledger, calls, lease_seconds=0.0)


@pytest.fixture
def letters(book):
    """Three published dead letters of one campaign."""
    book.accept(*make_jobs(3))
    held = book.take()
    book.record(held, *(judge(job, refuse()) for job in held.jobs))
    found = unpublished(book.ledger)
    mark_published(book.ledger, found)
    return found


def _range(letters):
    first, last = letters[0], letters[-1]
    return LetterRange(
        first.campaign_id, first.reason, first.letter_id, last.letter_id, since=first.read_at
    )


def _singly(letters):
    return Notices(letter_ids=tuple(letter.letter_id for letter in letters))


def test_single_alerts_are_logged_and_posted_together(alerting, webhook, letters):
    with capture_logs() as logged:
        alerting.handle(_singly(letters[:2]))
    assert [event["event"] for event in logged] == ["dead_letter_alert"] * 2
    ((message_id, message),) = webhook.posted
    assert message_id.startswith("msg_")
    assert message["type"] == "dead_letters.opened"
    assert message["data"]["summaries"] == []
    assert message["data"]["dead_letters"] == [
        {
            "letter_id": letter.letter_id,
            "opening": 1,
            "request_id": make_job(number).id,
            "campaign": "diwali",
            "reason": "failed",
            "code": 1014,
        }
        for number, letter in enumerate(letters[:2], 1)
    ]
    assert logged[0]["request_id"] == make_job(1).id


def test_a_summary_is_counted_in_the_ledger(alerting, webhook, letters):
    with capture_logs() as logged:
        alerting.handle(Notices(ranges=(_range(letters),)))
    ((_, message),) = webhook.posted
    (summary,) = message["data"]["summaries"]
    assert summary == {
        "campaign": "diwali",
        "reason": "failed",
        "count": 3,
        "first_letter_id": letters[0].letter_id,
        "last_letter_id": letters[-1].letter_id,
        "codes": [{"code": 1014, "count": 3}],
    }
    (event,) = logged
    assert (event["event"], event["count"]) == ("dead_letters_summarised", 3)


def test_no_alert_holds_the_customer(alerting, webhook, letters):
    with capture_logs() as logged:
        alerting.handle(_singly(letters))
        alerting.handle(Notices(ranges=(_range(letters),)))
    shown = f"{logged} {webhook.posted}"
    assert not any(job.customer.value in shown for job in make_jobs(3))


def test_a_message_that_names_no_dead_letter_raises_no_alarm(alerting, webhook, letters):
    unknown = Notices(letter_ids=(7_000,), ranges=(_range(letters)._replace(campaign_id=9),))
    with capture_logs() as logged:
        alerting.handle(unknown)
    assert [event["event"] for event in logged] == ["dead_letter_unknown"]
    assert webhook.posted == []


def test_a_message_delivered_twice_has_one_id_and_other_messages_have_others(
    alerting, webhook, letters
):
    both = Notices(letter_ids=_singly(letters).letter_ids, ranges=(_range(letters),))
    for notices in (_singly(letters), _singly(letters), _singly(letters[:1]), both):
        alerting.handle(notices)
    ids = [message_id for message_id, _ in webhook.posted]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_another_installation_has_other_message_ids(alerting, webhook, letters, monkeypatch):
    alerting.handle(_singly(letters))
    monkeypatch.setattr(alerting.ledger, "key", lambda _: b"k" * 32)
    alerting.handle(_singly(letters))
    (one, _), (other, _) = webhook.posted
    assert one != other


@pytest.mark.parametrize("summarised", [False, True], ids=["single", "summary"])
def test_what_the_webhook_does_not_accept_goes_back_to_the_outbox(
    alerting, webhook, letters, book, summarised
):
    webhook.error = "HTTP 500"
    notices = Notices(ranges=(_range(letters),)) if summarised else _singly(letters)
    with capture_logs() as logged:
        alerting.handle(notices)
    assert len(unpublished(book.ledger)) == 3
    failed = logged[-1]
    assert (failed["event"], failed["error"]) == ("webhook_failed", "HTTP 500")
    assert "hooks.test" not in str(logged)


def test_a_suspended_webhook_is_not_called_and_loses_nothing(alerting, webhook, letters, book):
    webhook.error = "HTTP 500"
    for letter in letters:
        alerting.handle(_singly([letter]))
    mark_published(book.ledger, unpublished(book.ledger))
    with capture_logs() as logged:
        alerting.handle(_singly(letters))
    assert len(webhook.posted) == 3
    assert [event["event"] for event in logged] == ["dead_letter_alert"] * 3 + [
        "webhook_not_called"
    ]
    assert len(unpublished(book.ledger)) == 3


def test_without_a_webhook_alerts_are_logged_and_stay_published(letters, book):
    with capture_logs() as logged:
        Alerting(book.ledger, None, lease_seconds=0.0).handle(_singly(letters))
    assert [event["event"] for event in logged] == ["dead_letter_alert"] * 3
    assert unpublished(book.ledger) == []


def test_returning_to_the_outbox_waits_for_the_ledger(services, alerting, webhook, letters):
    webhook.error = "HTTP 500"
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        ledger.failures_left = 1
        Alerting(ledger, alerting.calls, lease_seconds=5.0).handle(_singly(letters))
        assert len(unpublished(ledger)) == 3


def test_an_unavailable_ledger_is_raised_so_that_the_message_stays(letters, book, monkeypatch):
    def fail():
        raise OperationalError("SELECT 1", {}, OSError("server closed the connection"))

    monkeypatch.setattr(book.ledger, "read", fail)
    with pytest.raises(DBAPIError):
        Alerting(book.ledger, None, lease_seconds=0.0).handle(_singly(letters))


def test_the_message_stays_on_the_broker_while_the_ledger_is_unavailable(
    services, letters, monkeypatch
):
    def fail():
        raise OperationalError("SELECT 1", {}, OSError("server closed the connection"))

    services.settings = services.settings.model_copy(update={"lease_seconds": 0.0})
    register_tasks(services.app, services)
    monkeypatch.setattr(services.ledger, "read", fail)
    with pytest.raises(Reject) as rejected:
        services.app.tasks[DEAD_LETTER_TASK].run(**_singly(letters).as_message())
    assert rejected.value.requeue


def test_a_message_with_unknown_arguments_is_logged_and_dropped(services):
    register_tasks(services.app, services)
    with capture_logs() as logged:
        services.app.tasks[DEAD_LETTER_TASK].run("x", 7, letter_ids="many", webhook="mine")
    assert [event["event"] for event in logged] == ["dead_letter_unknown"]
