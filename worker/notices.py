"""Notices of dead letters: ids and reasons on the broker's queue, after the letters are in the ledger."""

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from config.queues import DEAD_LETTER_TASK
from ledger.book import Ledger
from ledger.letters import mark_noticed, unpublished_notices

log = structlog.get_logger("issuance.dead_letters")


def publish_notices(app: Celery, ledger: Ledger) -> int:
    """Publish the notices that are not yet on the queue; returns how many.

    A process that dies in between leaves them to the next release; one that dies after publishing and
    before writing it down publishes them twice, which the handler must bear.
    """
    published = []
    try:
        with app.producer_pool.acquire(block=True, timeout=5) as producer:
            for notice in unpublished_notices(ledger):
                arguments = {
                    "letter_id": notice.letter_id,
                    "request_id": notice.job_id,
                    "campaign": notice.campaign,
                    "reason": notice.reason,
                    "code": notice.code,
                }
                shown = f"{notice.campaign} · {notice.reason} · code {notice.code} · {notice.job_id}"
                app.send_task(
                    DEAD_LETTER_TASK, kwargs=arguments, producer=producer, argsrepr=shown, kwargsrepr="{}", retry=False
                )
                published.append(notice.letter_id)
    except (OperationalError, OSError) as error:
        log.warning("notices not published", error=str(error))
    if published:
        mark_noticed(ledger, published)
    return len(published)
