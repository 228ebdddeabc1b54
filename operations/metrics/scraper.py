"""One scrape: reads every source once, the ledger in one transaction, or fails as a whole."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from prometheus_client.metrics_core import Metric
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from issuance.masking import scrub
from limiter.state import LimitState
from operations.limits import account_limits, chosen_accounts
from operations.metrics.accounts import account_metrics, used_slots
from operations.metrics.attempts_source import AttemptsSource
from operations.metrics.dead_letters import DeadLettersSource
from operations.metrics.ledger_source import LedgerSource
from operations.metrics.open_ledger import OpenLedger
from operations.metrics.processes import (
    build_metric,
    process_metric,
    reachable_metric,
)
from operations.metrics.reachability import Reachability
from operations.metrics.timer import Timer
from operations.services import Services

_REPLY_SECONDS = 10.0
_TURN_SECONDS = 5.0


class MetricsUnavailable(Exception):  # noqa: N818  # named for the state, as callers read it
    """A source cannot be read, so there are no metrics: none of them may be shown as 0."""


class Scraper:
    """Reads the metrics.

    Args:
        services: this process's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        url = services.servers.ledger_url
        connect = partial(services.connect_ledger, reply_seconds=_REPLY_SECONDS)
        self._ledger = OpenLedger(url, connect)
        self._attempts = AttemptsSource(OpenLedger(url, connect))
        self._reachability = Reachability(services)
        self._letters = DeadLettersSource(OpenLedger(url, connect))
        self._ledger_source = LedgerSource(self._attempts, self._letters)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to read the history of attempts in the background."""
        self._attempts.start()

    def await_attempts(self, seconds: float) -> bool:
        """Wait until the history of attempts has been read; returns whether it has."""
        return self._attempts.await_complete(seconds)

    def close(self) -> None:
        """Close the connections, except those of the services."""
        self._attempts.close()
        self._letters.close()
        self._ledger.close()

    def reachability(self) -> list[Metric]:
        """Read only whether the servers answer."""
        return [reachable_metric(self._reachability.all())]

    def scrape(self) -> list[Metric]:
        """Read everything.

        Raises:
            MetricsUnavailable: a source cannot be read.
        """
        if not self._lock.acquire(timeout=_TURN_SECONDS):
            raise MetricsUnavailable("an earlier scrape still waits for a source")
        try:
            return self._scrape()
        finally:
            self._lock.release()

    def _scrape(self) -> list[Metric]:
        timer = Timer()
        with timer.of("limits"), _source("the limits in Redis"):
            states, slots = self._read_limits()
        with timer.of("processes"), _source("the processes' reports in Redis"):
            silent_seconds = self._services.nodes.silent_seconds()
        with timer.of("ledger"), _source("the ledger"):
            ledger = self._ledger.get()
            with ledger.read() as connection:
                of_ledger = list(self._ledger_source.metrics(connection, _suspended(states), timer))
        with timer.of("broker"):
            servers = {"ledger": True, "redis": True} | self._reachability.broker()
        is_rabbitmq = self._services.servers.is_rabbitmq
        return [
            *of_ledger,
            *account_metrics(states, slots),
            process_metric(silent_seconds),
            reachable_metric(servers),
            build_metric(ledger=ledger.dialect.name, broker="rabbitmq" if is_rabbitmq else "redis"),
            timer.metric(),
        ]

    def _read_limits(self) -> tuple[dict[str, LimitState], dict[str, float | None]]:
        limits = {
            name: account_limits(self._services, name)
            for name in chosen_accounts(self._services, None)
        }
        states = {name: each.state() for name, each in limits.items()}
        return states, {name: used_slots(each, states[name]) for name, each in limits.items()}


def _suspended(states: Mapping[str, LimitState]) -> dict[int, float]:
    return {
        number: breaker.for_seconds
        for state in states.values()
        for number, breaker in state.campaigns.items()
    }


@contextmanager
def _source(name: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, RedisError, ExplainedError, OSError, ValueError) as error:
        # A database's own message may quote what it was asked for.
        reason = str(error) if isinstance(error, ExplainedError) else type(error).__name__
        raise MetricsUnavailable(f"{name} cannot be read: {scrub(reason)}") from error
