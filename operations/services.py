"""The composition root: joins settings and endpoints, and makes each service on first use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from redis import Redis

from broker.nodes import Nodes
from broker.publisher import reach_broker
from broker.refusals import recent_refusal
from broker.restarts import Restarts
from config.account_registry import AccountRegistry
from config.accounts import Account, AccountError
from config.deployment_secret import read_deployment_secret
from config.endpoints import Servers
from config.home import prepare_home
from config.settings import Settings
from config.settings_reader import read_settings
from issuance.account import DEFAULT_ACCOUNT
from ledger.audit_log import migration_record
from ledger.store.database import Ledger, require_ledger_file
from ledger.store.usage import Usage
from limiter.redis_connection import connect_sync
from limiter.sync_limiter import SyncLimiter
from limiter.unavailable import reach_redis
from limiter.webhook_breaker import Suspension, WebhookBreaker
from operations.operators import process_operator
from operations.tracing.opening import open_tracing

if TYPE_CHECKING:
    # Imported lazily: Celery and httpx add 0.2 s to the start of every command.
    from celery import Celery

    from broker.wake_up import WakeUp
    from operations.tracing.spans import Tracing
    from rewards_api.account import ApiAccount

_PING_SECONDS = 0.5
_PROBE_KEY = "issuance:probe"
"""Written by health checks: a replica, for one, answers reads and refuses writes."""
_PROBE_SECONDS = 10


@dataclass(frozen=True)
class Services:
    """One process's settings, endpoints and services; a worker makes its own after the fork."""

    settings: Settings
    servers: Servers
    connect_redis: Callable[[str], Redis] = connect_sync
    """Connects to the Redis that holds the limits."""

    @classmethod
    def read(cls, *, allow_old_home: bool = False) -> Self:
        """Read the settings and find the endpoints; see `read_settings`.

        Closes HOME to others if the ledger is in it.

        Raises:
            SettingsError: the settings are wrong.
            HomeError: HOME is not this user's, or cannot be closed to others.
        """
        settings = read_settings(allow_old_home=allow_old_home)
        if not settings.ledger_url and settings.home.exists():
            prepare_home(settings.home)
        return cls(settings, Servers.of(settings))

    @cached_property
    def accounts(self) -> AccountRegistry:
        """The API accounts; their file is read again when it changes.

        Raises:
            SettingsError: the accounts file cannot be used.
        """
        servers = self.servers
        default = Account.of_settings(
            self.settings, url=servers.api_url, rate_per_minute=servers.rate_per_minute
        )
        file = self.settings.accounts_file
        # Without a URL work is accepted too: it waits for a system that has one.
        return AccountRegistry(file, default if servers.api_url or file is None else None)

    def api_account(self, name: str = DEFAULT_ACCOUNT) -> "ApiAccount":
        """Make what the API client needs to know of an account.

        Raises:
            AccountError: there is no such account.
            ValueError: the settings do not name a usable account; the message names the setting.
        """
        from rewards_api.account import ApiAccount  # noqa: PLC0415

        return ApiAccount.of(self.accounts.get(name), self.settings)

    def require_accounts(self) -> None:
        """Make sure that there is an account, and that each can be used.

        Raises:
            AccountError: there is none.
            ValueError: the settings do not name a usable account; the message names the setting.
        """
        accounts = self.accounts.all()
        if not accounts:
            file = self.settings.accounts_file
            raise AccountError(
                f"There is no API account: add one to {file}, or set ISSUANCE_API_URL"
            )
        for name in accounts:
            self.api_account(name)

    @cached_property
    def secret(self) -> bytes | None:
        """The deployment's secret, if a file has it; None: the ledger has it.

        Raises:
            SettingsError: the file cannot be used.
        """
        file = self.settings.secret_file
        return None if file is None else read_deployment_secret(file)

    def connect_ledger(self, *, durable: bool = True, reply_seconds: float | None = None) -> Ledger:
        """Make a ledger without checking anything; see `Ledger`.

        Raises:
            SettingsError: the file of the deployment's secret cannot be used.
        """
        return Ledger(
            self.servers.ledger_url,
            durable=durable,
            reply_seconds=reply_seconds,
            secret=self.secret,
        )

    def open_ledger(self, *, create: bool = False) -> Ledger:
        """Open the ledger and check its schema.

        Args:
            create: whether a missing embedded ledger is created.

        Raises:
            LedgerError: the ledger does not exist or cannot be reached, or its schema or the
                deployment's secret does not fit.
            SettingsError: the file of that secret cannot be used.
            HomeError: the folder of the embedded ledger cannot be made or closed to others.
        """
        is_embedded = not self.settings.ledger_url
        if not (create and is_embedded):
            require_ledger_file(self.servers.ledger_url)
        if is_embedded:
            prepare_home(self.settings.home)
        ledger = self.connect_ledger()
        try:
            if is_embedded:
                # Only the embedded ledger: a configured one is migrated by `issuance migrate`.
                ledger.migrate(migration_record(process_operator("system")))
            ledger.check_schema()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def use_ledger(self) -> None:
        """Show until the end of this process that it uses the ledger, and so do its children.

        Raises:
            LedgerError: the ledger is being restored.
        """
        self.__dict__["usage"] = Usage.begin(self.servers.ledger_url)

    @cached_property
    def redis(self) -> Redis:
        """The Redis that holds the limits.

        Raises:
            ValueError: it has no URL.
        """
        return self.connect_redis(self.servers.redis_url)

    @cached_property
    def tracing(self) -> "Tracing | None":
        """Makes the spans of this process; None: there are none. Use it after the fork."""
        return open_tracing(self.settings.tracing)

    @cached_property
    def celery(self) -> "Celery":
        """The Celery application, without tasks."""
        from broker.celery_app import create_app  # noqa: PLC0415

        return create_app(self.settings, self.servers)

    @cached_property
    def wake_up(self) -> "WakeUp | None":
        """Asks for a release now; None without a broker, when beat's next tick releases."""
        return self.make_wake_up() if self.servers.redis_url and self.servers.broker_url else None

    def make_wake_up(self) -> "WakeUp":
        """Make `wake_up` for a process that cannot work without it."""
        from broker.wake_up import WakeUp  # noqa: PLC0415

        return WakeUp(self.celery, self.redis)

    def limits_of(self, name: str = DEFAULT_ACCOUNT) -> SyncLimiter | None:
        """Return an account's limits; None without Redis or without such an account."""
        found = self.accounts.find(name)
        known = self.servers.redis_url and found is not None and found.url
        return self.make_limits(name) if known else None

    def make_limits(self, name: str = DEFAULT_ACCOUNT) -> SyncLimiter:
        """Make `limits_of` for a process that cannot work without them.

        Raises:
            AccountError: there is no such account.
            ValueError: there is no Redis, or the API account is unusable.
        """
        return self.limiter_of(self.accounts.get(name))

    def limiter_of(self, account: Account) -> SyncLimiter:
        """Make the limits of an account that is known already.

        Raises:
            ValueError: there is no Redis, or the API account is unusable.
        """
        from rewards_api.account import ApiAccount  # noqa: PLC0415

        api_account = ApiAccount.of(account, self.settings)
        return SyncLimiter(self.redis, api_account.name, rate_per_minute=account.rate_per_minute)

    def answering_workers(
        self, *, within_seconds: float = _PING_SECONDS, expected: int = 0
    ) -> frozenset[str]:
        """Ping the worker processes of all machines; return the names, as `worker@HOST`.

        Args:
            within_seconds: how long to wait for answers.
            expected: wait no longer once this many have come; 0: not known.

        Raises:
            BrokerAway: the broker cannot be reached.
        """
        with reach_broker(self.celery):
            answers = self.celery.control.ping(timeout=within_seconds, limit=expected or None) or []
        return frozenset(node for answer in answers for node in answer)

    def reach_broker(self) -> None:
        """Make sure that the broker can be reached, and that a Redis accepts writes.

        Raises:
            BrokerAway: the broker cannot be reached, or refuses to work.
        """
        with reach_broker(self.celery), self.celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
            if not self.servers.is_rabbitmq:
                with self.connect_redis(self.servers.broker_url) as redis:
                    redis.set(_PROBE_KEY, "1", ex=_PROBE_SECONDS)

    @property
    def nodes(self) -> Nodes:
        """The worker processes that run, or were killed."""
        return Nodes(lambda: self.connect_redis(self.servers.redis_url))

    @property
    def restarts(self) -> Restarts:
        """The restarts of processes."""
        return Restarts(lambda: self.connect_redis(self.servers.redis_url))

    def known_nodes(self) -> frozenset[str]:
        """Return the names of the worker processes that were started and not stopped."""
        return self.nodes.known() if self.servers.redis_url else frozenset()

    def recent_refusal(self) -> str:
        """Return why the broker refused a chunk in the last minutes, or ""."""
        return recent_refusal(self.redis) if self.servers.redis_url else ""

    def webhook_suspension(self) -> Suspension | None:
        """Return why the webhook is not called now; None if it is, or if there is none."""
        url = self.settings.dead_letter_webhook_url
        known = url and self.servers.redis_url
        return WebhookBreaker(self.redis, url).suspension() if known else None

    def require_writable_limits(self) -> None:
        """Make sure that the Redis of the limits accepts writes.

        Raises:
            LimitsUnavailable: it does not.
        """
        with reach_redis():
            self.redis.set(_PROBE_KEY, "1", ex=_PROBE_SECONDS)

    def forget_connections(self) -> object:
        """In a forked child: use none of the parent's connections.

        Returns:
            The connections. The child must keep them and never close them.
        """
        mine = ("celery", "redis", "wake_up", "tracing")
        found = {name: vars(self).pop(name, None) for name in mine}
        if found["celery"] is None:
            return found
        from broker.publisher import forget_pools  # noqa: PLC0415

        return found, forget_pools(found["celery"])

    def close(self) -> None:
        """Close the connections that were opened, except the ledger's, and export the spans."""
        for name in ("celery", "redis"):
            if name in vars(self):
                vars(self)[name].close()
        self.close_tracing()
        if "usage" in vars(self):
            vars(self)["usage"].end()

    def close_tracing(self) -> None:
        """Export the spans of this process, within a few seconds; there are none later."""
        if (tracing := vars(self).get("tracing")) is not None:
            tracing.close()
