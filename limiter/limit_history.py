"""The last hour of an account's limits, in two bounded streams: samples and suspensions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from limiter.keys import changes_key, sampled_key, samples_key
from limiter.state import Availability, LimitState
from limiter.unavailable import reach_redis

SAMPLE_SECONDS = 10.0
"""Time between two samples."""
KEPT_SECONDS = 3_600
_SAMPLES_MOST = 400
_MARGIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """The limits at one moment."""

    at: float
    """Seconds since 1970, by the server's clock."""
    rate: int
    """Calls a minute; 0 is unlimited."""
    limit: int
    """The adaptive limit in calls a minute; 0: there is none."""
    availability: str
    calls: int
    """Issuing calls that were ever reported."""


@dataclass(frozen=True, slots=True)
class Change:
    """A scope was suspended, or became available again."""

    at: float
    """Seconds since 1970, by the server's clock."""
    scope: str
    """`account`, `reads` or `campaign`."""
    is_suspended: bool
    reason: str
    """The refusal that suspended it; "" at the end."""
    campaign_id: int
    """The campaign of the calls that caused it; 0: unknown."""


@dataclass(frozen=True, slots=True)
class Past:
    """The last hour, oldest first."""

    now: float
    samples: list[Sample]
    changes: list[Change]
    """At most about the newest thousand."""


class LimitHistory:
    """Keeps and reads the past of one account's limits.

    Every method raises `LimitsUnavailable` when Redis cannot be reached.

    Args:
        redis: made by `connect_sync`.
        account: names the API account, as for its workers.
    """

    def __init__(self, redis: Redis, account: str) -> None:
        self._redis = redis
        self._account = account

    def keep(self, state: LimitState) -> None:
        """Keep a sample, unless another process has just kept one."""
        fields: dict[Any, Any] = {
            "rate": state.rate_per_minute,
            "limit": state.adaptive_limit_per_minute,
            "availability": state.account.availability.value,
            "calls": state.calls,
        }
        milliseconds = int((SAMPLE_SECONDS - _MARGIN_SECONDS) * 1000)
        with reach_redis():
            if self._redis.set(sampled_key(self._account), "1", nx=True, px=milliseconds):
                self._redis.xadd(samples_key(self._account), fields, maxlen=_SAMPLES_MOST)

    def read(self) -> Past:
        """Read the last hour."""
        with reach_redis():
            seconds, microseconds = self._redis.time()
            now = seconds + microseconds / 1_000_000
            since = f"{int((now - KEPT_SECONDS) * 1000)}-0"
            # The client decodes replies; its types allow for others.
            samples: Any = self._redis.xrange(samples_key(self._account), min=since)
            changes: Any = self._redis.xrange(changes_key(self._account), min=since)
        return Past(
            now,
            [_sample(name, fields) for name, fields in samples],
            [_change(name, fields) for name, fields in changes],
        )


def _at(name: str) -> float:
    return int(name.partition("-")[0]) / 1000


def _sample(name: str, fields: Mapping[str, str]) -> Sample:
    return Sample(
        at=_at(name),
        rate=_number(fields, "rate"),
        limit=_number(fields, "limit"),
        availability=fields.get("availability", Availability.AVAILABLE.value),
        calls=_number(fields, "calls"),
    )


def _change(name: str, fields: Mapping[str, str]) -> Change:
    return Change(
        at=_at(name),
        scope=fields.get("scope", ""),
        is_suspended=fields.get("change") == Availability.SUSPENDED,
        reason=fields.get("reason", ""),
        campaign_id=_number(fields, "campaign"),
    )


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    return int(text) if text.isdecimal() else 0
