"""Undocumented codes: each is logged as an error the first time any worker meets it (rule 8)."""

import re
from collections.abc import Iterable

import structlog
from redis import Redis
from redis.exceptions import RedisError

from issuance.masking import scrub
from issuance.outcome import LineOutcome, Reason
from ledger.results.attempts import Attempt, Result

log = structlog.get_logger("issuance.worker")

_KEY = "issuance:undocumented"
_DIGITS = re.compile(r"\d+")
_LONGEST_MESSAGE = 200


def normalise(message: str) -> str:
    """Replace a masked message's digits, so that messages differing only in these are equal."""
    return _DIGITS.sub("#", " ".join(message.lower().split()))[:_LONGEST_MESSAGE]


def is_undocumented(result: Result) -> bool:
    """Return whether a result's code is in no document."""
    return isinstance(result, Attempt) and result.outcome.reason is Reason.UNKNOWN_CODE


class Undocumented:
    """Logs each new pair of code and message once across all workers.

    Args:
        redis: the server of the limits; while it is unavailable every pair counts as new.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def report(self, results: Iterable[Result]) -> None:
        """Log an error for each undocumented code and message that was never seen before."""
        for result in results:
            if isinstance(result, Attempt) and is_undocumented(result):
                for line in result.outcome.lines:
                    if line.reason is Reason.UNKNOWN_CODE:
                        self._report_line(line, scrub(line.message, result.known))

    def _report_line(self, line: LineOutcome, message: str) -> None:
        if self._is_new(f"{line.code} {normalise(message)}"):
            log.error(
                "undocumented_code",
                code=line.code,
                message=message,
                request_id=line.request_id,
            )

    def _is_new(self, member: str) -> bool:
        try:
            return bool(self._redis.sadd(_KEY, member))
        except RedisError:
            return True
