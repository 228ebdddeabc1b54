"""Notices of dead letters: ids and reasons on the broker's queue, after the letters are in the ledger."""

from collections.abc import Sequence

import structlog
from celery import Celery
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway, publish
from broker.queues import DEAD_LETTER_TASK
from ledger.dead_letters.outbox import DeadLetterEvent, mark_published, unpublished_events
from ledger.store.database import Ledger
from worker.ledger_retry import first_line

log = structlog.get_logger("issuance.dead_letters")


def publish_notices(
    app: Celery,
    ledger: Ledger,
    *,
    job_numbers: Sequence[int] | None = None,
    older_than_seconds: float = 0.0,
) -> int:
    """Publish notices that are not yet on the queue; returns how many. Never raises for want of a broker or ledger.

    Who opens letters publishes theirs; what a dying process leaves undone the release does a little
    later. One that dies after publishing and before writing it down has it done twice, which the
    handler must bear.

    Args:
        app: the Celery application.
        ledger: the record.
        job_numbers: only these jobs' letters; None: all.
        older_than_seconds: only letters opened so long ago.
    """
    published: list[DeadLetterEvent] = []
    try:
        notices = unpublished_events(
            ledger, job_numbers=job_numbers, older_than_seconds=older_than_seconds
        )
        if notices:
            try:
                _publish(app, notices, published)
            finally:
                mark_published(ledger, published)
    except BrokerAway as error:
        log.warning("dead_letters_unpublished", error=str(error))
    except DBAPIError as error:
        log.warning("ledger_unavailable", error=first_line(error), notices_published=len(published))
    return len(published)


def _publish(
    app: Celery, notices: Sequence[DeadLetterEvent], published: list[DeadLetterEvent]
) -> None:
    for notice in notices:
        _send(app, notice)
        published.append(notice)


def _send(app: Celery, notice: DeadLetterEvent) -> None:
    publish(
        app,
        DEAD_LETTER_TASK,
        kwargs={
            "letter_id": notice.letter_id,
            "request_id": notice.job_id,
            "campaign": notice.campaign,
            "reason": notice.reason,
            "code": notice.code,
        },
        argsrepr=f"{notice.campaign} · {notice.reason} · code {notice.code} · {notice.job_id}",
        kwargsrepr="{}",
    )
