"""Nudging: asking for a release at once, instead of at beat's next second."""

from celery import Celery
from redis import Redis
from redis.exceptions import RedisError

from config.broker import BrokerAway, publish
from config.queues import RELEASE_TASK

_KEY = "issuance:nudged"
_FORGET_AFTER_SECONDS = 5


class Nudge:
    """Publishes at most one release message at a time, however many ask. Losing one costs a second.

    Args:
        app: the Celery application.
        redis: what the limits live in.
    """

    def __init__(self, app: Celery, redis: Redis) -> None:
        self._app = app
        self._redis = redis

    def give(self) -> bool:
        """Ask for a release; False when the broker is away (beat will see to it)."""
        try:
            if self._redis.set(_KEY, "1", nx=True, ex=_FORGET_AFTER_SECONDS):
                publish(self._app, RELEASE_TASK, argsrepr="nudge")
        except (RedisError, BrokerAway):
            return False
        return True

    def take(self) -> None:
        """Say that a release begins, so that whoever asks from now on gets another."""
        try:
            self._redis.delete(_KEY)
        except RedisError:
            return
