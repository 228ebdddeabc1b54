"""Measures how long each source takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.metrics_core import Metric

from operations.metrics import names


class Timer:
    """How long each source took."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def of(self, source: str) -> Iterator[None]:
        """Measure the `with`."""
        began = time.perf_counter()
        yield
        self._seconds[source] = time.perf_counter() - began

    def metric(self) -> Metric:
        """Make the metric of what was measured."""
        family = names.SOURCE_DURATION.gauge()
        for source, seconds in self._seconds.items():
            family.add_metric([source], seconds)
        return family
