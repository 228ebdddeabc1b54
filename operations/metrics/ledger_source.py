"""The metrics that come from the ledger: all from one transaction."""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from ledger.queries.attempt_counts import newest_restore
from ledger.queries.overview import read_overview
from operations.metrics.attempts_source import AttemptsSource
from operations.metrics.backlog import backlog_metrics
from operations.metrics.campaigns import (
    HighWater,
    campaign_metrics,
    shown_campaigns,
    stopped_metric,
)
from operations.metrics.dead_letters import DeadLettersSource
from operations.metrics.processes import heartbeat_metric
from operations.metrics.timer import Timer


class LedgerSource:
    """Reads the ledger.

    Args:
        attempts: the metrics of attempts.
        letters: the metrics of dead letters.
    """

    def __init__(self, attempts: AttemptsSource, letters: DeadLettersSource) -> None:
        self._attempts = attempts
        self._letters = letters
        self._most = HighWater()
        self._restore: int | None = None

    def metrics(
        self, connection: Connection, suspended: Mapping[int, float], timer: Timer
    ) -> Iterator[Metric]:
        """Make the metrics.

        Args:
            connection: the transaction.
            suspended: seconds since each suspended campaign was suspended, by id.
            timer: measures the reading of attempts.
        """
        restore = newest_restore(connection)
        if restore != self._restore:
            # The backup's totals are smaller.
            self._restore, self._most = restore, HighWater()
        overview = read_overview(connection)
        shown = shown_campaigns(overview)
        yield from campaign_metrics(overview, shown, self._most)
        yield stopped_metric(connection, overview, shown, suspended)
        yield from backlog_metrics(connection, overview)
        yield from self._letters.metrics(connection, overview.now)
        yield heartbeat_metric(connection, overview.now)
        with timer.of("attempts"):
            yield from self._attempts.metrics(connection, overview.now)
