"""Retries while the ledger is unavailable: known outcomes must not be lost."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)

T = TypeVar("T")

log = structlog.get_logger("issuance.worker")

_AGAIN_SECONDS = 0.5
_REFUSALS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_refusal(error: DBAPIError) -> bool:
    """Return whether the ledger refused a statement, so that retrying is useless."""
    return isinstance(error, _REFUSALS) and not error.connection_invalidated


def first_line(error: DBAPIError) -> str:
    """Return the database's message without its details, which may show a customer."""
    return next(iter(str(error.orig).splitlines()), type(error).__name__)


def retry_until(
    work: Callable[[], T],
    *,
    for_seconds: float,
    give_up: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Run work on the ledger and retry while the ledger is unavailable.

    Args:
        work: one transaction.
        for_seconds: how long to retry.
        give_up: returns whether to stop retrying now.
        sleep: sleeps for seconds.

    Raises:
        DBAPIError: the ledger was unavailable for too long, or refused the work.
    """
    give_up_at = time.monotonic() + for_seconds
    while True:
        try:
            return work()
        except DBAPIError as error:
            if is_refusal(error) or give_up() or time.monotonic() > give_up_at:
                raise
            log.warning("ledger_unavailable", error=first_line(error))
        sleep(_AGAIN_SECONDS)
