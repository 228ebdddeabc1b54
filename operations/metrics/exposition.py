"""Writes metrics in Prometheus' text format or as OpenMetrics, as the scraper asks."""

from collections.abc import Iterable

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class _Collected(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def write_metrics(metrics: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """Return the body and its Content-Type.

    Args:
        metrics: what was scraped.
        accept: the request's `Accept`; one that cannot be read gets the plain text format.
    """
    collected = _Collected(metrics)
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError, IndexError):
        encoder, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
    return encoder(collected), content_type
