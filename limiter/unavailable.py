"""The one exception of this package: Redis is out of reach, so nothing may be sent for now."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from issuance.errors import ExplainedError


class LimitsUnavailable(ExplainedError):  # noqa: N818  # named for what is wrong, as callers read it
    """Redis did not answer or refused. Whoever holds jobs gives them back to the ledger."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"The account's limits in Redis are out of reach ({type(cause).__name__}: {cause}): check that the "
            "server named by ISSUANCE_REDIS_URL (or else ISSUANCE_BROKER_URL) runs and accepts writes"
        )


@contextmanager
def reach_redis() -> Iterator[None]:
    """Turn whatever Redis or the way to it does wrong into `LimitsUnavailable`."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise LimitsUnavailable(error) from error
