"""Every client of the product that reads a URL, and how it is made from the settings."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from flower.utils.broker import Broker

from broker.celery_app import create_app
from config.accounts import Account
from config.endpoints import Servers
from config.settings import Settings
from console.local.preflight import require_broker
from issuance.endpoint import Variant
from ledger.store.database import Ledger
from limiter.redis_connection import connect, connect_sync
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from tests.contract.tls.recording_server import PASSWORD
from worker.webhook import Webhook


@dataclass(frozen=True)
class Client:
    """One client."""

    part: str
    """The beginning of its settings."""
    url: str
    run: Callable[[Settings], object]
    """Connects, and gives the password if it trusts the server; it may raise any error."""


def _call_api(settings: Settings) -> object:
    known = settings.model_copy(
        update={
            "api_till": PASSWORD,
            "api_client_key": PASSWORD,
            "api_timeout_seconds": 5.0,
        }
    )

    async def call() -> object:
        client = RewardsClient(ApiAccount.of(Account.of_settings(known), known))
        try:
            return await client.issue(Variant.BULK, PASSWORD.encode())
        finally:
            await client.aclose()

    return asyncio.run(call())


def _get_token(settings: Settings) -> object:
    return _call_api(settings.model_copy(update={"api_auth": "oauth"}))


def _ping_sync(settings: Settings) -> object:
    with connect_sync(settings.redis_url) as redis:
        return redis.ping()


def _ping(settings: Settings) -> object:
    async def ping() -> object:
        async with connect(settings.redis_url) as redis:
            return await redis.ping()

    return asyncio.run(ping())


def _publish(settings: Settings) -> object:
    with create_app(settings, Servers.of(settings)).connection_for_write() as connection:
        return connection.connect()


def _count_in_flower(settings: Settings) -> object:
    app = create_app(settings, Servers.of(settings))
    with app.connection() as connection:
        broker = Broker(
            connection.as_uri(include_password=True),
            broker_options=app.conf.broker_transport_options,
            broker_use_ssl=app.conf.broker_use_ssl,
        )
        return asyncio.run(broker.queues(["issuance.blast"]))


def _start(settings: Settings) -> object:
    return require_broker(settings, Servers.of(settings), wait_seconds=0)


def _open_ledger(settings: Settings) -> object:
    with Ledger(settings.ledger_url) as ledger:
        return ledger.check_schema()


def _alert(settings: Settings) -> object:
    return asyncio.run(Webhook.of(settings).deliver("msg_1", PASSWORD.encode()))


_API = "https://{host}:{port}"
_REDIS = f"rediss://:{PASSWORD}@{{host}}:{{port}}/0"
_RABBITMQ = f"amqps://issuance:{PASSWORD}@{{host}}:{{port}}//"
CLIENTS = {
    "api": Client("api", _API, _call_api),
    "api token": Client("api", _API, _get_token),
    "webhook": Client("dead_letter_webhook", _API, _alert),
    "limits": Client("redis", _REDIS, _ping),
    "limits of commands": Client("redis", _REDIS, _ping_sync),
    "redis broker": Client("broker", _REDIS, _publish),
    "redis broker in flower": Client("broker", _REDIS, _count_in_flower),
    "redis broker at the start": Client("broker", _REDIS, _start),
    "rabbitmq": Client("broker", _RABBITMQ, _publish),
    "rabbitmq at the start": Client("broker", _RABBITMQ, _start),
    "ledger": Client(
        "ledger", f"postgresql://issuance:{PASSWORD}@{{host}}:{{port}}/issuance", _open_ledger
    ),
}
