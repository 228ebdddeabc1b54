"""Checks at start that the broker and Redis answer; an error names the setting of a dead one."""

import time
from urllib.parse import urlsplit

from config.endpoints import Servers
from config.settings import Settings, SettingsError
from limiter.redis_connection import connect_sync
from limiter.unavailable import LimitsUnavailable, reach_redis

_WAIT_SECONDS = 4.0
"""Long enough for a broker that is being restarted."""
_CONNECT_SECONDS = 2.0
_RETRY_SECONDS = 0.25


def require_broker(
    settings: Settings, servers: Servers, *, wait_seconds: float = _WAIT_SECONDS
) -> None:
    """Check that the broker and the Redis of the limits answer within `wait_seconds` each.

    Raises:
        SettingsError: one does not; the message names its setting and what to do.
    """
    _require(servers.broker_url, "ISSUANCE_BROKER_URL" if settings.broker_url else "", wait_seconds)
    if servers.redis_url != servers.broker_url:
        _require(servers.redis_url, "ISSUANCE_REDIS_URL", wait_seconds)


def _require(url: str, setting: str, wait_seconds: float) -> None:
    until = time.monotonic() + wait_seconds
    while problem := _problem(url):
        if time.monotonic() > until:
            raise SettingsError(_explain(url, setting, problem))
        time.sleep(_RETRY_SECONDS)


def _explain(url: str, setting: str, problem: str) -> str:
    where = urlsplit(url)
    place = f"{where.hostname}:{where.port}" if where.port else str(where.hostname)
    if not setting:
        return (
            f"The embedded broker at {place} does not answer ({problem}): start `issuance up` again"
        )
    return (
        f"{setting}: the server at {place} cannot be used ({problem}): start it, or correct the URL"
    )


def _problem(url: str) -> str:
    """Why a server cannot be used, without credentials; "" when it answers."""
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
