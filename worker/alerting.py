"""Alerts of dead letters and of budgets: log events, and calls of a webhook."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import structlog
from pydantic_core import to_json

from issuance.derived_keys import Purpose
from ledger.budgets.notices import BudgetEvent, find_notices, return_notices
from ledger.dead_letters.outbox import (
    DeadLetterEvent,
    LetterRange,
    Summary,
    find_events,
    return_letters,
    return_ranges,
    summarise,
)
from ledger.store.database import Ledger
from limiter.webhook_breaker import WebhookBreaker
from worker.ledger_retry import retry_until
from worker.notices import Notices
from worker.webhook import Webhook

log = structlog.get_logger("issuance.dead_letters")

EVENT_TYPE = "dead_letters.opened"
BUDGET_TYPE = "campaign.budget_reached"
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class WebhookCalls:
    """The webhook, whether it may be called, and what runs a call.

    Attributes:
        webhook: where notices are posted.
        breaker: suspends it while it fails.
        run: runs a coroutine to its end.
    """

    webhook: Webhook
    breaker: WebhookBreaker
    run: Callable[[Coroutine[Any, Any, str]], str]

    def deliver(self, message_id: str, body: bytes) -> bool:
        """Post a message unless the webhook is suspended; return whether it was accepted."""
        if self.breaker.suspension() is not None:
            log.info("webhook_not_called", message_id=message_id)
            return False
        error = self.run(self.webhook.deliver(message_id, body))
        if error:
            log.error("webhook_failed", error=error, message_id=message_id)
            self.breaker.note_failure(error)
            return False
        self.breaker.note_success()
        return True


@dataclass(frozen=True, slots=True)
class Alerting:
    """Handles the messages of the dead-letter queue.

    Attributes:
        ledger: the record. A message only names dead letters of it.
        calls: the webhook; None: alerts are only logged.
        lease_seconds: how long to retry while the ledger is unavailable.
    """

    ledger: Ledger
    calls: WebhookCalls | None
    lease_seconds: float

    def handle(self, notices: Notices) -> None:
        """Alert people to what a message names; unknown dead letters are logged.

        What the webhook does not accept goes back to the outbox, which publishes it again.

        Raises:
            DBAPIError: the ledger was unavailable for longer than the lease.
        """
        if notices.budget_notices:
            self._handle_budgets(notices)
        if notices.letter_ids or notices.ranges or not notices.budget_notices:
            self._handle_letters(notices)

    def _handle_budgets(self, notices: Notices) -> None:
        events = self._retry(lambda: find_notices(self.ledger, notices.budget_notices))
        if not events:
            log.warning("budget_notice_unknown")
            return
        for event in events:
            log.warning("budget_alert", **_budget_fields(event))
        if self.calls is None:
            return
        message_id = self._sign([["budget", each.notice_id] for each in events])
        if not self.calls.deliver(message_id, _budget_body(events)):
            self._retry(lambda: return_notices(self.ledger, events))

    def _handle_letters(self, notices: Notices) -> None:
        events, summaries = self._retry(lambda: self._read(notices))
        if not events and not summaries:
            log.warning("dead_letter_unknown")
            return
        for event in events:
            log.warning("dead_letter_alert", **_letter_fields(event))
        for _, summary in summaries:
            log.warning("dead_letters_summarised", **_summary_fields(summary))
        if self.calls is None:
            return
        message_id = self._message_id(events, [named for named, _ in summaries])
        if not self.calls.deliver(message_id, _body(events, [each for _, each in summaries])):
            self._retry(lambda: return_letters(self.ledger, events))
            self._retry(lambda: return_ranges(self.ledger, [named for named, _ in summaries]))

    def _retry(self, work: Callable[[], Any]) -> Any:
        return retry_until(work, for_seconds=self.lease_seconds)

    def _read(
        self, notices: Notices
    ) -> tuple[list[DeadLetterEvent], list[tuple[LetterRange, Summary]]]:
        counted = [(named, summarise(self.ledger, named)) for named in notices.ranges]
        return (
            find_events(self.ledger, notices.letter_ids),
            [(named, summary) for named, summary in counted if summary is not None],
        )

    def _message_id(self, events: Iterable[DeadLetterEvent], ranges: Iterable[LetterRange]) -> str:
        """Make an id from what the message is about.

        A message that is delivered twice has the same one, and another installation has others.
        """
        return self._sign([[(each.letter_id, each.opening) for each in events], [*ranges]])

    def _sign(self, meant: object) -> str:
        key = self.ledger.key(Purpose.NOTICES)
        return f"msg_{blake2b(to_json(meant), key=key, digest_size=_ID_BYTES).hexdigest()}"


def _letter_fields(event: DeadLetterEvent) -> dict[str, object]:
    return {
        "letter_id": event.letter_id,
        "opening": event.opening,
        "request_id": event.job_id,
        "campaign": event.campaign,
        "reason": event.reason,
        "code": event.code,
    }


def _summary_fields(summary: Summary) -> dict[str, object]:
    return {
        "campaign": summary.campaign,
        "reason": summary.reason,
        "count": summary.count,
        "first_letter_id": summary.first_id,
        "last_letter_id": summary.last_id,
        "codes": [{"code": code, "count": count} for code, count in summary.codes],
    }


def _body(events: Sequence[DeadLetterEvent], summaries: Sequence[Summary]) -> bytes:
    return to_json(
        {
            "type": EVENT_TYPE,
            "timestamp": datetime.now(UTC),
            "data": {
                "dead_letters": [_letter_fields(event) for event in events],
                "summaries": [_summary_fields(summary) for summary in summaries],
            },
        }
    )


def _budget_fields(event: BudgetEvent) -> dict[str, object]:
    return {
        "campaign": event.campaign,
        "state": event.state,
        "percent": event.percent,
        **event.figures,
    }


def _budget_body(events: Sequence[BudgetEvent]) -> bytes:
    return to_json(
        {
            "type": BUDGET_TYPE,
            "timestamp": datetime.now(UTC),
            "data": {"budgets": [_budget_fields(event) for event in events]},
        }
    )
