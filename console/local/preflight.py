"""Checks at start that the broker and Redis can be used; an error names the setting of one."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from redis.exceptions import AuthenticationError, NoPermissionError

from config.endpoints import Servers
from config.settings import Settings, SettingsError
from issuance.errors import UnreachableError
from issuance.masking import scrub
from limiter.redis_connection import connect_sync
from limiter.unavailable import LimitsUnavailable, reach_redis

if TYPE_CHECKING:
    from celery import Celery

_WAIT_SECONDS = 4.0
"""Long enough for a broker that is being restarted."""
_CONNECT_SECONDS = 2.0
_RETRY_SECONDS = 0.25


class ServerAwayError(UnreachableError):
    """A server does not answer. The message names its setting and what to do."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a server cannot be used, without credentials."""

    text: str
    remedy: str = ""
    """What to correct in the setting, {ca} being that of its CAs; empty if it may only be away."""


def require_broker(
    settings: Settings, servers: Servers, *, wait_seconds: float = _WAIT_SECONDS
) -> None:
    """Check that the broker and the Redis of the limits answer within `wait_seconds` each.

    Raises:
        ServerAwayError: one does not; the message names its setting and what to do.
        SettingsError: one refuses us; the message names what to correct.
    """
    _require(servers.broker_url, "ISSUANCE_BROKER_URL" if settings.broker_url else "", wait_seconds)
    if servers.redis_url != servers.broker_url:
        _require(servers.redis_url, "ISSUANCE_REDIS_URL", wait_seconds)


def _require(url: str, setting: str, wait_seconds: float) -> None:
    until = time.monotonic() + wait_seconds
    while problem := _problem(url):
        if problem.remedy:
            remedy = problem.remedy.format(ca=setting.replace("_URL", "_TLS_CA"))
            raise SettingsError(f"{setting}: {_place(url)} {problem.text}: {remedy}")
        if time.monotonic() > until:
            raise ServerAwayError(_explain(url, setting, problem.text))
        time.sleep(_RETRY_SECONDS)


def _explain(url: str, setting: str, problem: str) -> str:
    if not setting:
        return (
            f"The embedded broker at {_address(url)} does not answer ({problem}): start "
            "`issuance up` again"
        )
    return f"{setting}: {_place(url)} cannot be used ({problem}): start it, or correct the URL"


def _place(url: str) -> str:
    return f"the server at {_address(url)}"


def _address(url: str) -> str:
    where = urlsplit(url)
    return f"{where.hostname}:{where.port}" if where.port else str(where.hostname)


def _problem(url: str) -> _Problem | None:
    if url.startswith("amqp"):
        return _problem_of_rabbitmq(url)
    try:
        with reach_redis(), connect_sync(url) as redis:
            redis.ping()
    except LimitsUnavailable as error:
        cause = error.__cause__
        text = scrub(str(cause))
        if isinstance(cause, AuthenticationError):
            return _Problem(f"refuses the login ({text})", "correct user and password in the URL")
        if isinstance(cause, NoPermissionError):
            return _Problem(f"refuses a command ({text})", "give the user that permission (ACL)")
        return _problem_of_tls(text) or _Problem(text)
    return None


def _problem_of_tls(text: str) -> _Problem | None:
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return None
    return _Problem(
        f"cannot be trusted ({text})",
        "name its authority in {ca}, and write the host as its certificate has it",
    )


def _problem_of_rabbitmq(url: str) -> _Problem | None:
    # slow to load, and `--help` loads this module
    from amqp.exceptions import AccessRefused, NotAllowed  # noqa: PLC0415

    connection = _celery(url).connection_for_write(connect_timeout=_CONNECT_SECONDS)
    try:
        connection.connect()
    except AccessRefused:
        return _Problem("refuses the login", "correct user and password in the URL")
    except NotAllowed:
        return _Problem(
            f"has no virtual host {_virtual_host(url)!r} that this user may use",
            "create it (`rabbitmqctl add_vhost`), give the user permissions on it, or correct the "
            "part after the host in the URL: /NAME, and %2F or // for the default one",
        )
    except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
        return _problem_of_tls(str(error)) or _Problem(str(error))
    finally:
        connection.release()
    return None


def _celery(url: str) -> "Celery":
    from celery import Celery  # noqa: PLC0415

    from broker.celery_app import connection_settings  # noqa: PLC0415
    from config.server_url import ServerUrl  # noqa: PLC0415

    app = Celery(broker=ServerUrl.parse(url).url)
    app.conf.update(connection_settings(url))
    return app


def _virtual_host(url: str) -> str:
    return unquote(urlsplit(url).path[1:]) or "/"
