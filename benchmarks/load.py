"""The load: the same customers, rewards and bodies for every contender."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Lane, Line
from issuance.request_id import fresh_request_id
from producers.freezing import Freezer

REWARD_ID = 1001
IN_FLIGHT = {5: 60, 50: 400, 200: 1_200}
"""Milliseconds of an answer → concurrent calls, for contenders without a thread per call.

About twice as many as keep a core busy, so that CPU is what is compared.
"""
_ROOT = "/api_gateway/rewards/core"
_QUERY = "?username=demo.till&skip_validation=true"
AUTH = ("demo.till", "demo")
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
}


@dataclass(frozen=True)
class Task:
    """A peer's configuration, passed through the environment."""

    api_url: str
    broker_url: str
    in_flight: int
    variant: Variant

    @classmethod
    def read(cls) -> "Task":
        """Read it in the worker's process."""
        given = os.environ
        return cls(
            given["BENCH_API_URL"],
            given["BENCH_BROKER_URL"],
            int(given["BENCH_IN_FLIGHT"]),
            Variant(given["BENCH_VARIANT"]),
        )

    def environment(self) -> dict[str, str]:
        """The environment that `read` reads."""
        return {
            "BENCH_API_URL": self.api_url,
            "BENCH_BROKER_URL": self.broker_url,
            "BENCH_IN_FLIGHT": str(self.in_flight),
            "BENCH_VARIANT": self.variant.value,
        }

    @property
    def path(self) -> str:
        """The endpoint's path and query."""
        return _ROOT + self.variant.endpoint.path.format(reward_id=REWARD_ID) + _QUERY


def mobile(number: int) -> str:
    """The identifier of the customer with this number."""
    return f"91{9_000_000_000 + number % 1_000_000_000}"


def bodies(variant: Variant, count: int) -> Iterator[str]:
    """Bodies in the format that this system sends."""
    freezer = Freezer.of_settings(Settings(_env_file=None, api_variant=variant))
    for number in range(count):
        line = Line(request_id=fresh_request_id(), reward_id=REWARD_ID)
        yield freezer.freeze(
            Customer("mobile", mobile(number)), (line,), lane=Lane.BLAST
        ).body.decode()


def write_csv(path: Path, count: int, *, reward_id: int = REWARD_ID, first: int = 0) -> None:
    """Write a campaign file of `count` valid rows for different customers, from number `first`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["mobile", "rewardId", "quantity"])
        writer.writerows([mobile(number), reward_id, 1] for number in range(first, first + count))
