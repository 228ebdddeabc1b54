"""The Celery tasks: each decodes its message and calls plain code."""

from typing import Any

import structlog
from celery import Celery, Task
from celery.exceptions import Reject
from sqlalchemy.exc import DBAPIError

from broker.queues import DEAD_LETTER_TASK, ISSUE_TASK, RELEASE_TASK
from worker.chunk.chunk_result import ChunkResult
from worker.chunk_handler import handle_chunk
from worker.chunk_messages import read_message
from worker.dispatcher import run_release
from worker.ledger_retry import first_line
from worker.notices import Notices
from worker.orphans import reporting_request
from worker.services import WorkerServices

log = structlog.get_logger("issuance.dead_letters")


def register_tasks(app: Celery, services: WorkerServices) -> None:
    """Add the tasks to this application only; their names are in `broker.queues`.

    Celery adds a shared task to every application of the process. A second application
    would then call this one's services.
    """
    report = reporting_request(services.orphans.report)

    @app.task(name=ISSUE_TASK, bind=True, shared=False, Request=report)
    def issue_chunk(self: Task, *arguments: object, **_: object) -> ChunkResult:
        message = read_message(services, self.request.id, arguments)
        if message is None:
            return ChunkResult()
        redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
        return handle_chunk(
            services,
            message,
            redelivered=redelivered,
            show_end=services.late_results.of_task(self.request.id, self.request.hostname),
        )

    @app.task(name=RELEASE_TASK, shared=False, send_events=False)
    def release(*, by_beat: bool = False) -> None:
        run_release(services, by_beat=by_beat)

    @app.task(name=DEAD_LETTER_TASK, shared=False)
    def dead_letter(*_: object, **message: Any) -> None:
        try:
            services.alerting.handle(Notices.read(message))
        except DBAPIError as error:
            log.warning("ledger_unavailable", error=first_line(error))
            raise Reject(requeue=True) from error
