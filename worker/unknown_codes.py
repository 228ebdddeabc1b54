"""Undocumented codes: said loudly the first time that any worker meets one (design rule 8)."""

import re
from collections.abc import Iterable

import structlog
from redis import Redis
from redis.exceptions import RedisError

from issuance.masking import scrub
from issuance.outcome import LineOutcome, Reason
from ledger.results.recording import Attempt, Result

log = structlog.get_logger("issuance.worker")

_KEY = "issuance:undocumented"
_DIGITS = re.compile(r"\d+")
_LONGEST_MESSAGE = 200


def normalise(message: str) -> str:
    """What is the same of two messages that differ in names and numbers: masked, digits as `#`, spaces as one."""
    return _DIGITS.sub("#", " ".join(scrub(message).lower().split()))[:_LONGEST_MESSAGE]


def is_undocumented(result: Result) -> bool:
    """Whether a result's code is in no document."""
    return isinstance(result, Attempt) and result.outcome.reason is Reason.UNKNOWN_CODE


class Undocumented:
    """Tells of each new pair of code and message once, over all workers; again after Redis was emptied.

    Args:
        redis: what the limits live in; when it is away every pair counts as new.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def tell(self, results: Iterable[Result]) -> None:
        """Log one error for each undocumented code and message among these that was never seen before."""
        for result in results:
            if isinstance(result, Attempt) and is_undocumented(result):
                for line in result.outcome.lines:
                    self._tell_line(line)

    def _tell_line(self, line: LineOutcome) -> None:
        if line.reason is Reason.UNKNOWN_CODE and self._is_new(
            f"{line.code} {normalise(line.message)}"
        ):
            log.error(
                "undocumented_code",
                code=line.code,
                message=line.message,
                request_id=line.request_id,
            )

    def _is_new(self, member: str) -> bool:
        try:
            return bool(self._redis.sadd(_KEY, member))
        except RedisError:
            return True
