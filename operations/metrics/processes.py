"""The processes, the servers and the program itself."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from broker.nodes import Node
from broker.queues import CONSUMERS
from ledger.queries.heartbeats import Heartbeat
from ledger.queries.overview import heartbeat_times
from ledger.store.schema import REVISION
from operations.metrics import names

_SILENT_SECONDS = 150.0
"""A worker process reports every 60 s."""


def heartbeat_metric(connection: Connection, now: int) -> Metric:
    """Make the metric of the periodic tasks; `now` is the ledger's time in ms."""
    family = names.HEARTBEAT.gauge()
    times = heartbeat_times(connection)
    for heartbeat in Heartbeat:
        if heartbeat in times:
            # One from the future is as old as the step by which the clock was set back.
            family.add_metric([heartbeat.value], abs(now - times[heartbeat]) / 1000)
    return family


def process_metric(silent_seconds: Mapping[str, float]) -> Metric:
    """Make the metric of worker processes from how long ago each node reported."""
    family = names.PROCESSES.gauge()
    found = [(Node.read(node).process, age) for node, age in silent_seconds.items()]
    for process in CONSUMERS:
        ages = [age for kind, age in found if kind == process]
        running = sum(1 for age in ages if age <= _SILENT_SECONDS)
        family.add_metric([str(process), "running"], running)
        family.add_metric([str(process), "missing"], len(ages) - running)
    return family


def reachable_metric(servers: Mapping[str, bool]) -> Metric:
    """Make the metric of the servers."""
    family = names.REACHABLE.gauge()
    for server, is_reachable in servers.items():
        family.add_metric([server], float(is_reachable))
    return family


def build_metric(*, ledger: str, broker: str) -> Metric:
    """Make the metric of the program; `ledger` and `broker` are the servers' kinds."""
    family = names.BUILD.gauge()
    found = (version("reward-issuance"), platform.python_version(), REVISION, ledger, broker)
    family.add_metric(list(found), 1)
    return family
