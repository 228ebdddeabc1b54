"""Whether the configured broker and Redis answer: a dead one is named with its setting, instead of awaited for ever."""

import time
from urllib.parse import urlsplit

from config.endpoints import Site
from config.settings import Settings, SettingsError
from limiter.redis_connection import connect_sync
from limiter.unavailable import LimitsUnavailable, reach_redis

_PATIENCE_SECONDS = 4.0
"""A broker that is just being started again is no reason to give up."""
_CONNECT_SECONDS = 2.0
_AGAIN_SECONDS = 0.25


def require_broker(
    settings: Settings, site: Site, *, patience_seconds: float = _PATIENCE_SECONDS
) -> None:
    """Make sure that the broker, and the Redis of the limits, answer; each is asked for about this long.

    Raises:
        SettingsError: one does not; the message names its setting and what to do.
    """
    _require(
        site.broker_url, "ISSUANCE_BROKER_URL" if settings.broker_url else "", patience_seconds
    )
    if site.redis_url != site.broker_url:
        _require(site.redis_url, "ISSUANCE_REDIS_URL", patience_seconds)


def _require(url: str, setting: str, patience_seconds: float) -> None:
    until = time.monotonic() + patience_seconds
    while problem := _problem(url):
        if time.monotonic() > until:
            raise SettingsError(_explain(url, setting, problem))
        time.sleep(_AGAIN_SECONDS)


def _explain(url: str, setting: str, problem: str) -> str:
    where = urlsplit(url)
    place = f"{where.hostname}:{where.port}" if where.port else str(where.hostname)
    if not setting:
        return (
            f"The embedded broker at {place} does not answer ({problem}): start `issuance up` again"
        )
    return f"{setting}: the server at {place} cannot be used ({problem}): start it there, or correct the URL"


def _problem(url: str) -> str:
    """Why a server cannot be used, in its own words without credentials; empty when it answers."""
    if url.startswith("amqp"):
        return _problem_of_rabbitmq(url)
    try:
        with reach_redis(), connect_sync(url) as redis:
            redis.ping()
    except LimitsUnavailable as error:
        return str(error.__cause__)
    return ""


def _problem_of_rabbitmq(url: str) -> str:
    from celery import Celery  # noqa: PLC0415  # slow to load, and `--help` loads this module

    connection = Celery(broker=url).connection_for_write(connect_timeout=_CONNECT_SECONDS)
    try:
        connection.connect()
    except (*connection.connection_errors, OSError) as error:
        return str(error)
    finally:
        connection.release()
    return ""
