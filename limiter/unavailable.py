"""The exception of this package: Redis is out of reach, so no call may be made."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from issuance.errors import UnreachableError


class LimitsUnavailable(UnreachableError):  # noqa: N818  # named for the state, as callers read it
    """Redis did not answer, or refused. The caller gives its jobs back to the ledger."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            "The account's limits in Redis are out of reach "
            f"({type(cause).__name__}: {cause}): check that the server named by ISSUANCE_REDIS_URL "
            "(or else ISSUANCE_BROKER_URL) runs and accepts writes"
        )
        self.may_return = not isinstance(cause, AuthenticationError | NoPermissionError)


@contextmanager
def reach_redis() -> Iterator[None]:
    """Turn every error of Redis or its connection into `LimitsUnavailable`."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise LimitsUnavailable(error) from error
