"""Keeps the supervisor's restarts for operators, also those of the server that has them."""

import time
from collections import deque
from collections.abc import Callable

from redis.exceptions import RedisError

from broker.restarts import Restart, Restarts

_MOST = 50
_AGAIN_SECONDS = 5.0


class RestartNotes:
    """Writes restarts to Redis; while it is away, the newest ones wait here.

    Args:
        restarts: where they are kept.
        clock: monotonic seconds.
    """

    def __init__(self, restarts: Restarts, clock: Callable[[], float] = time.monotonic) -> None:
        self._restarts = restarts
        self._clock = clock
        self._waiting: deque[Restart] = deque(maxlen=_MOST)
        self._next_at = float("-inf")

    def add(self, restart: Restart) -> None:
        """Take a restart, to be written by the next `write`."""
        self._waiting.append(restart)

    def write(self) -> None:
        """Write what waits; without Redis, try again five seconds later."""
        if not self._waiting or self._clock() < self._next_at:
            return
        try:
            while self._waiting:
                self._restarts.keep(self._waiting[0])
                self._waiting.popleft()
        except (RedisError, OSError):
            self._next_at = self._clock() + _AGAIN_SECONDS
