"""Whether the servers answer."""

import threading
from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from broker.publisher import BrokerAway
from issuance.errors import ExplainedError
from ledger.store.clock import now_ms
from ledger.store.database import Ledger, require_ledger_file
from operations.services import Services

_ANSWER_SECONDS = 2.0


class BoundedCheck:
    """A check that may hang: it passes if it ends without an error in time.

    Args:
        check: raises if the server is out of reach.
        seconds: how long it may take. While an earlier check still waits, it does not pass.
    """

    def __init__(self, check: Callable[[], object], seconds: float = _ANSWER_SECONDS) -> None:
        self._check = check
        self._seconds = seconds
        self._thread: threading.Thread | None = None
        self._passed = False

    def passes(self) -> bool:
        """Check now."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._passed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._thread.join(self._seconds)
        return self._passed and not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._check()
        except (BrokerAway, DBAPIError, ExplainedError, OSError, RedisError, ValueError):
            return
        self._passed = True


class Reachability:
    """The servers that this system needs; a server that is not configured is not checked."""

    def __init__(self, services: Services) -> None:
        self._ledger = BoundedCheck(lambda: _reach_ledger(services))
        self._redis = (
            BoundedCheck(services.require_writable_limits) if services.servers.redis_url else None
        )
        self._broker = BoundedCheck(services.reach_broker) if services.servers.broker_url else None

    def broker(self) -> dict[str, bool]:
        """Whether the broker answers; empty without one."""
        return {"broker": self._broker.passes()} if self._broker else {}

    def all(self) -> dict[str, bool]:
        """Whether each server answers."""
        redis = {"redis": self._redis.passes()} if self._redis else {}
        return {"ledger": self._ledger.passes()} | redis | self.broker()


def _reach_ledger(services: Services) -> None:
    require_ledger_file(services.servers.ledger_url)
    with Ledger(services.servers.ledger_url) as ledger, ledger.read() as connection:
        connection.execute(select(now_ms()))
