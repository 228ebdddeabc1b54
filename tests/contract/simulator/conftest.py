from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from typing import Any

import httpx
import pytest

from simulator.access import basic_header
from simulator.serve import Simulator
from simulator.switches import Switches

CORE = "/api_gateway/rewards/core"
TILL = "?username=demo.till&skip_validation=true"
BULK = f"{CORE}/v1/user/rewards/issue{TILL}"
CONNECTED = f"{CORE}/v1.1/user/rewards/issue{TILL}"
START = 1_800_000_000.0


class Clock:
    """A clock that only moves when a test advances it."""

    now = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Api:
    """A caller of the rewards API with generated valid requests."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._numbers = count(1)

    def line(
        self, reward: int = 1001, quantity: int = 1, key: str | None = None, **more: Any
    ) -> dict[str, Any]:
        key = key or f"key-{next(self._numbers)}"
        return {"rewardId": reward, "quantity": quantity, "requestId": key, **more}

    def bulk(
        self, *lines: dict[str, Any], path: str = BULK, headers: Any = None, **top: Any
    ) -> httpx.Response:
        body = {"brand": "DEMO", "transactionNumber": "blast-1", "rewards": list(lines)}
        customer = (
            {} if {"email", "emailId", "externalId"} & top.keys() else {"mobile": "919800000001"}
        )
        return self.client.post(path, json=body | customer | top, headers=headers)

    def issue(self, *lines: dict[str, Any], **top: Any) -> Any:
        """The parsed reply to a bulk call of these lines, or of one free coupon."""
        return self.bulk(*(lines or (self.line(),)), **top).json()

    def single(self, reward: object = 1001, **top: Any) -> httpx.Response:
        body = {"mobile": "919800000001", "brand": "DEMO", "transactionNumber": "blast-1"}
        return self.client.post(f"{CORE}/v1/user/reward/{reward}/issue{TILL}", json=body | top)

    def as_till(self, name: str, **top: Any) -> httpx.Response:
        """A bulk call with the till of another account, whose password is the account's name."""
        path = f"{CORE}/v1/user/rewards/issue?username={name}.till&skip_validation=true"
        headers = {"Authorization": basic_header(f"{name}.till", name)}
        lines = top.pop("lines", [self.line(top.pop("reward"))])
        return self.bulk(*lines, path=path, headers=headers, **{"brand": name.upper(), **top})

    def customer_id(self, mobile: str = "919800000001") -> int:
        query = {"source": "INSTORE", "identifierName": "mobile", "identifierValue": mobile}
        return self.client.get("/v2/customers/lookup", params=query).json()["entity"]

    def issuals(self, mobile: str = "919800000001", **query: Any) -> Any:
        path = f"{CORE}/v1/management/customer/{self.customer_id(mobile)}/issuals"
        return self.client.get(path, params=query).json()["rewardIssueTransactions"]

    def details(self, transaction_id: object, mobile: str = "919800000001", **query: Any) -> Any:
        path = f"{CORE}/v1/management/customer/{self.customer_id(mobile)}/issuals/{transaction_id}"
        return self.client.get(path, params=query).json()


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Simulator, Clock]]:
    clock = Clock()
    with Simulator(clock=clock) as simulator:
        yield simulator, clock


@pytest.fixture
def clock(running) -> Iterator[Clock]:
    yield running[1]
    running[1].now = START


@pytest.fixture
def sim(running) -> Simulator:
    simulator: Simulator = running[0]
    simulator.reset()
    simulator.switch(**asdict(Switches()))
    return simulator


@pytest.fixture(scope="session")
def client(running) -> Iterator[httpx.Client]:
    headers = {"Authorization": basic_header("demo.till", "demo")}
    with httpx.Client(headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def api(sim, client) -> Api:
    client.base_url = sim.url
    return Api(client)
