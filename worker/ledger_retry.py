"""Patience with an absent ledger: outcomes in hand are worth waiting for."""

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
    """Whether the ledger is there and refused what it was asked, so that asking again is of no use."""
    return isinstance(error, _REFUSALS) and not error.connection_invalidated


def first_line(error: DBAPIError) -> str:
    """What the database says, without its details: those may show a row with its customer."""
    return next(iter(str(error.orig).splitlines()), type(error).__name__)


def retry_until(
    work: Callable[[], T],
    *,
    for_seconds: float,
    give_up: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Do work on the ledger, however often it is away meanwhile.

    Args:
        work: one operation on the ledger, a transaction of its own.
        for_seconds: after that the ledger's absence is raised.
        give_up: says that it is to be raised at once.
        sleep: takes seconds.

    Raises:
        DBAPIError: the ledger is away for too long, or refuses the work.
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
