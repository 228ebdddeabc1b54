"""`/metrics` of the health process: its access rule and its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import parse_qs

import structlog
from prometheus_client.metrics_core import Metric

from operations.metrics.exposition import write_metrics
from operations.metrics.scraper import MetricsUnavailable, Scraper

log = structlog.get_logger("issuance.health")

_TEXT = "text/plain; charset=utf-8"
_REACHABILITY = "reachability"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


class MetricsPage:
    """Answers requests for `/metrics`.

    Args:
        scraper: reads the metrics.
        networks: whose machines may read them, in addition to this one.
    """

    def __init__(self, scraper: Scraper, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._scraper = scraper
        self._networks = networks
        self._failure = ""

    def answer(self, client: str, query: str, accept: str) -> Answer:
        """Answer one request.

        Args:
            client: the IP address that asks.
            query: of the URL; `only=reachability` asks only whether the servers answer.
            accept: the request's header.
        """
        if not self.may_read(client):
            return _say(
                HTTPStatus.FORBIDDEN,
                "this machine may not read the metrics: add its network to "
                "ISSUANCE_METRICS_NETWORKS",
            )
        only = parse_qs(query).get("only", [])
        if only not in ([], [_REACHABILITY]):
            return _say(HTTPStatus.BAD_REQUEST, f"leave `only` out, or give {_REACHABILITY}")
        try:
            found = self._scraper.reachability() if only else self._scrape()
        except MetricsUnavailable as error:
            return _say(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return Answer(HTTPStatus.OK, *write_metrics(found, accept))

    def may_read(self, client: str) -> bool:
        """Whether a machine may read the metrics."""
        try:
            address = ip_address(client.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return address.is_loopback or any(address in network for network in self._networks)

    def _scrape(self) -> list[Metric]:
        try:
            found = self._scraper.scrape()
        except MetricsUnavailable as error:
            # Once, not at each scrape.
            if not self._failure:
                log.error("metrics_unavailable", error=str(error))  # noqa: TRY400  # explained
            self._failure = str(error)
            raise
        if self._failure:
            log.info("metrics_available")
            self._failure = ""
        return found


def _say(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode())
