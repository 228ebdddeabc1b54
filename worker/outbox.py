"""Publishes dead letters' ids, after they are in the ledger."""

from collections.abc import Sequence

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, PublishRefused, publish
from broker.queues import DEAD_LETTER_TASK
from ledger.dead_letters.outbox import DeadLetterEvent, mark_published, unpublished_events
from ledger.store.database import Ledger
from worker.ledger_retry import first_line

log = structlog.get_logger("issuance.dead_letters")


def publish_dead_letters(
    app: Celery,
    ledger: Ledger,
    *,
    job_numbers: Sequence[int] | None = None,
    older_than_seconds: float = 0.0,
) -> int:
    """Publish dead letters that are not on the queue yet; return how many.

    The process that opens dead letters publishes them; the release publishes what a dying process
    has left. A process that dies between publishing and recording that causes a second message,
    which the handler must accept. An unavailable broker or ledger is logged, not raised.

    Args:
        app: the Celery application.
        ledger: the record.
        job_numbers: only dead letters of these jobs; None: of all.
        older_than_seconds: only dead letters opened at least this long ago.
    """
    published: list[DeadLetterEvent] = []
    try:
        events = unpublished_events(
            ledger, job_numbers=job_numbers, older_than_seconds=older_than_seconds
        )
        if events:
            try:
                _publish(app, events, published)
            finally:
                mark_published(ledger, published)
    except (BrokerAway, PublishRefused) as error:
        log.warning("dead_letters_unpublished", error=str(error))
    except DBAPIError as error:
        log.warning("ledger_unavailable", error=first_line(error), published=len(published))
    return len(published)


def _publish(
    app: Celery, events: Sequence[DeadLetterEvent], published: list[DeadLetterEvent]
) -> None:
    for event in events:
        _send(app, event)
        published.append(event)


def _send(app: Celery, event: DeadLetterEvent) -> None:
    publish(
        app,
        DEAD_LETTER_TASK,
        kwargs={"letter_id": event.letter_id},
        argsrepr=f"{event.campaign} · {event.reason} · code {event.code} · {event.job_id}",
        kwargsrepr="{}",
    )
