"""Logging: structlog for us and for the libraries, JSON in production, readable on a terminal, masked always."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import Settings
from issuance.masking import scrub

_PERSONAL = frozenset({"customer", "mobile", "email", "external_id", "externalId", "voucher", "vouchers", "body"})
_FREE_TEXT = frozenset({"message", "detail", "error", "exception"})
# Their ordinary lines name hosts, queues and ids, which scrubbing would spoil; their errors quote anything.
_HARMLESS = ("celery.", "kombu.", "flower.")


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take identifiers and vouchers out of an event, whoever wrote it."""
    for key in _PERSONAL.intersection(event):
        event[key] = "[masked]"
    for key in _FREE_TEXT.intersection(event):
        if isinstance(event[key], str):
            event[key] = scrub(event[key])
    harmless = str(event.get("logger", "")).startswith(_HARMLESS) and event.get("level") in ("debug", "info")
    if not harmless:
        event["event"] = scrub(str(event.get("event", "")))
    return event


def configure_logs(settings: Settings) -> None:
    """Send every log of the process to standard error, one event a line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_event,
                _renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # A line a second from beat, and two a task, would drown what operators look for: chunks tell of themselves.
    for noisy in ("httpx", "alembic.runtime.migration", "celery.beat", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _renderer(settings: Settings) -> Any:
    json_wanted = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    if json_wanted:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer()
