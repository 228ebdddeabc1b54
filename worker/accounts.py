"""What the calls of each API account need, in one worker process."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from config.account_registry import AccountRegistry
from config.accounts import Account
from rewards_api.client import RewardsClient
from worker.chunk.limits import Limits
from worker.chunk.places import Places

log = structlog.get_logger("issuance.worker")


@dataclass(eq=False)
class AccountServices:
    """The client, the limits and the call places of one account."""

    account: Account
    client: RewardsClient
    limits: Limits
    places: Places
    open_chunks: int = 0
    """Chunks that use the client now."""
    is_retired: bool = False
    """Newer services have taken its place: the last chunk closes the client."""


class WorkerAccounts:
    """Makes the services of an account when it is first used, and again when it has changed.

    Chunks that began with the old services end with them. Safe to use from several threads.

    Args:
        registry: the accounts.
        make: makes the services of an account.
        close: closes a client that no chunk uses any more.
    """

    def __init__(
        self,
        registry: AccountRegistry,
        make: Callable[[Account], AccountServices],
        close: Callable[[RewardsClient], None],
    ) -> None:
        self._registry = registry
        self._make = make
        self._close = close
        self._lock = threading.Lock()
        self._made: dict[str, AccountServices] = {}

    def known(self) -> Mapping[str, Account]:
        """Return the accounts of this moment, by name, and retire the services of the others."""
        accounts = self._registry.all()
        for name in [name for name in self._made if name not in accounts]:
            with self._lock:
                self._retire(self._made.pop(name))
        return accounts

    def of(self, account: Account) -> AccountServices:
        """Return the services of an account.

        Raises:
            ValueError: the account cannot be used; the message names the setting.
        """
        made = self._made.get(account.name)
        if made is not None and made.account == account:
            return made
        new = self._make(account)
        with self._lock:
            self._made[account.name] = new
            if made is not None:
                self._retire(made)
        return new

    def begin(self, services: AccountServices) -> None:
        """Note that a chunk uses the services, until `end`."""
        with self._lock:
            services.open_chunks += 1

    def end(self, services: AccountServices) -> None:
        """Note that a chunk has ended all of its calls."""
        with self._lock:
            services.open_chunks -= 1
            self._close_unused(services)

    def _retire(self, services: AccountServices) -> None:
        services.is_retired = True
        log.info("account_services_retired", account=services.account.name)
        self._close_unused(services)

    def _close_unused(self, services: AccountServices) -> None:
        if services.is_retired and services.open_chunks == 0:
            self._close(services.client)
