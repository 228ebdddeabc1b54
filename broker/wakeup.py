"""Nudging: asking for a release at once, instead of at beat's next second."""

import math
import time
from collections.abc import Callable

from celery import Celery
from redis import Redis
from redis.exceptions import RedisError

from broker.publisher import BrokerAway, publish
from broker.queues import RELEASE_TASK

_KEY = "issuance:nudged"
_FORGET_AFTER_SECONDS = 5
_OWN_NUDGES_APART_SECONDS = 0.25


class Nudge:
    """Publishes at most one release message at a time, however many ask. Losing one costs a second.

    Args:
        app: the Celery application.
        redis: what the limits live in.
        clock: seconds that never go back.
    """

    def __init__(
        self, app: Celery, redis: Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._redis = redis
        self._clock = clock
        self._not_before = -math.inf

    def give(self) -> bool:
        """Ask for a release; False when the broker is away (beat will see to it)."""
        try:
            if self._redis.set(_KEY, "1", nx=True, ex=_FORGET_AFTER_SECONDS):
                publish(self._app, RELEASE_TASK, argsrepr="nudge")
        except (RedisError, BrokerAway):
            return False
        return True

    def give_seldom(self) -> bool:
        """As `give`, but not within a moment of this process's last: for who asks after each chunk.

        A message costs some milliseconds, and the window in the broker holds more work than that.
        """
        if self._clock() < self._not_before:
            return True
        self._not_before = self._clock() + _OWN_NUDGES_APART_SECONDS
        return self.give()

    def take(self) -> None:
        """Say that a release begins, so that whoever asks from now on gets another."""
        try:
            self._redis.delete(_KEY)
        except RedisError:
            return
