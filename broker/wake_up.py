"""Requests for a release now, instead of at beat's next tick."""

import math
import time
from collections.abc import Callable

from celery import Celery
from redis import Redis
from redis.exceptions import RedisError

from broker.publisher import BrokerAway, PublishRefused, publish
from broker.queues import RELEASE_TASK

_KEY = "issuance:wake-up"
_FORGET_AFTER_SECONDS = 5
_DEBOUNCE_SECONDS = 0.25


class WakeUp:
    """Keeps at most one release message on the broker; a lost one delays the release by a second.

    Args:
        app: the Celery application.
        redis: the server of the limits.
        clock: monotonic seconds.
    """

    def __init__(
        self, app: Celery, redis: Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._redis = redis
        self._clock = clock
        self._not_before = -math.inf

    def request(self) -> bool:
        """Ask for a release; False when the broker or Redis is away."""
        try:
            if self._redis.set(_KEY, "1", nx=True, ex=_FORGET_AFTER_SECONDS):
                publish(self._app, RELEASE_TASK, argsrepr="wake-up")
        except (RedisError, BrokerAway, PublishRefused):
            return False
        return True

    def request_debounced(self) -> bool:
        """Ask for a release, unless this process has asked within the last 250 ms.

        For callers that ask after each chunk: a message costs a few milliseconds.
        """
        if self._clock() < self._not_before:
            return True
        self._not_before = self._clock() + _DEBOUNCE_SECONDS
        return self.request()

    def acknowledge(self) -> None:
        """Clear the request, because a release begins now; later requests need another one."""
        try:
            self._redis.delete(_KEY)
        except RedisError:
            return
