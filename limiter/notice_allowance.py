"""How many dead letters get a notice of their own; the others are summarised."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

from limiter.keys import notices_key, summary_key

WINDOW_SECONDS = 60
SUMMARY_SECONDS = 30
"""At least this long between two rounds of summaries."""

Group = tuple[int, str]
"""A campaign's id and a reason."""


class NoticeAllowance:
    """Counts single notices per campaign and reason in Redis, for all processes together.

    Without Redis no notice is allowed: then all dead letters are summarised.

    Args:
        redis: the server of the limits.
        per_minute: single notices of one campaign and reason in a minute; 0: none.
    """

    def __init__(self, redis: Redis, per_minute: int) -> None:
        self._redis = redis
        self._per_minute = per_minute

    def take(self, wanted: Mapping[Group, int]) -> dict[Group, int]:
        """Take at most this many single notices of each group; return how many are allowed."""
        if not wanted or not self._per_minute:
            return {}
        asked = {group: min(count, self._per_minute) for group, count in wanted.items()}
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for (campaign_id, reason), count in asked.items():
                    key = notices_key(campaign_id, reason)
                    pipe.incrby(key, count)
                    pipe.expire(key, WINDOW_SECONDS, nx=True)
                # Another client's value may be no number; only its group is then summarised.
                counts: Sequence[object] = pipe.execute(raise_on_error=False)[::2]
        except (RedisError, OSError):
            return {}
        return {
            group: max(0, min(count, self._per_minute - (used - count)))
            for (group, count), used in zip(asked.items(), counts, strict=True)
            if isinstance(used, int)
        }

    def may_summarise(self) -> bool:
        """Whether a round of summaries may be published now; if so, the next one must wait."""
        try:
            return bool(self._redis.set(summary_key(), "1", nx=True, ex=SUMMARY_SECONDS))
        except (RedisError, OSError):
            return True

    def summarise_again(self) -> None:
        """Let the next round of summaries follow at once: this one leaves dead letters."""
        with suppress(RedisError, OSError):
            self._redis.delete(summary_key())
