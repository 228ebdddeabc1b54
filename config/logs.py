"""Logging by structlog, for us and libraries: JSON, or readable on a terminal; always masked."""

import json
import logging
import sys
from typing import Any, TextIO

import structlog
from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict, Processor, WrappedLogger

from config.env_file import env_file_in_use
from config.log_writer import LineLogger, check_renames
from config.settings import Settings, ignored_links
from config.settings_reader import old_names
from issuance.display import printable
from issuance.masking import scrub

_PERSONAL = frozenset(
    {"customer", "mobile", "email", "external_id", "externalId", "voucher", "vouchers", "body"}
)
_FREE_TEXT = frozenset(
    {
        *("message", "note", "detail", "error", "exception", "stack", "headers"),
        *("reason", "because", "why", "problem", "found", "said", "file"),
    }
)
_DEL = "\x7f"
# Their debug and info entries name hosts, queues and ids, which scrubbing would destroy. Their
# errors may quote anything and are scrubbed.
_HARMLESS = ("celery.", "kombu.", "flower.")
# Beat logs every second and Celery twice per task, which would hide our own events.
_NOISY = (
    "httpx",
    "alembic.runtime",
    "celery.beat",
    "celery.worker.strategy",
    "celery.app.trace",
    "flower.command",
)


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask identifiers and vouchers in every event."""
    for key in _PERSONAL.intersection(event):
        event[key] = "[masked]"
    for key in _FREE_TEXT.intersection(event):
        value = event[key]
        if isinstance(value, str):
            event[key] = scrub(value)
        elif value is not None:
            event[key] = _scrub_all(value)
    harmless = str(event.get("logger", "")).startswith(_HARMLESS) and event.get("level") in (
        "debug",
        "info",
    )
    if not harmless:
        event["event"] = scrub(str(event.get("event", "")))
    return event


def _scrub_all(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_scrub_all(inner) for inner in value]
    if isinstance(value, int | float):
        return value
    return scrub(str(value))


def clean_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what a terminal would obey; further lines of a text are indented.

    An entry can then neither move the cursor nor look like two entries.
    """
    for key, value in event.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            event[key] = "\n    ".join(map(printable, value.splitlines()))
        elif not isinstance(value, str | int | float | None):
            event[key] = printable(repr(value))
    return event


def configure_logs(settings: Settings) -> None:
    """Send every log event of the process to standard error, one per line.

    Warns about settings that were given under an old name, and about links of Kubernetes that were
    ignored.
    """
    begin: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end: list[Processor] = [structlog.processors.format_exc_info, mask_event, *_form(settings)]
    structlog.configure(
        processors=begin + end,
        logger_factory=LineLogger,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    _configure_libraries(settings, begin, end)
    log = structlog.get_logger("issuance.settings")
    if file := env_file_in_use():
        log.info("settings_file_read", file=str(file))
    for old, new in old_names().items():
        log.warning("setting_renamed", old=old, new=new)
    if links := ignored_links():
        log.warning(
            "service_links_ignored",
            names=links,
            remedy="set enableServiceLinks: false in the pod",
        )


def _configure_libraries(settings: Settings, begin: list[Processor], end: list[Processor]) -> None:
    """Send the standard library's events the same way, without their redundant `extra`."""
    handler = _Handler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=begin, processors=[remove, *end])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # One entry for each batch that is lost, not for each attempt to send it.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to standard error, also after its file was renamed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry."""
        check_renames()
        super().emit(record)


def _to_json(event: EventDict, **_: Any) -> str:
    """Write JSON with pydantic, several times faster than `json.dumps`, which is the fallback.

    JSON escapes most control characters but not those above ASCII, nor DEL.
    """
    try:
        text = to_json(event, fallback=repr, inf_nan_mode="constants").decode()
    except PydanticSerializationError:
        text = json.dumps(event, default=repr)
    return text if text.isascii() and _DEL not in text else printable(text)


def _form(settings: Settings) -> list[Processor]:
    json_wanted = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    if json_wanted:
        return [structlog.processors.JSONRenderer(serializer=_to_json)]
    # Exceptions are masked text by now; the renderer's own tracebacks would show local variables.
    return [
        clean_event,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
