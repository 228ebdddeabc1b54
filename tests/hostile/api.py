"""The stub's calls: issuing, reading, and the controls of the tests."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from aiohttp import web

from tests.hostile.answers import Json, detail, issued, transactions
from tests.hostile.behaviour import Behaviour
from tests.hostile.books import Books, Entry
from tests.hostile.delivery import deliver
from tests.hostile.orders import Order, read_order

_CORE = "/api_gateway/rewards/core"
_ISSUALS = f"{_CORE}/v1/management/customer/{{customer_id}}/issuals"


def _all_units(order: Order) -> dict[str, int]:
    return {line.request_id: line.wanted for line in order.lines}


class Api:
    """The state behind all routes."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.books = Books()

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        return [
            web.post(f"{_CORE}/v1/user/rewards/issue", self.issue),
            web.post(f"{_CORE}/v1.1/user/rewards/issue", self.issue),
            web.post(f"{_CORE}/v1/user/reward/{{reward_id}}/issue", self.issue),
            web.get("/v2/customers/lookup", self.look_up_customer),
            web.get(_ISSUALS, self.list_transactions),
            web.get(f"{_CORE}/v1.1/reward-transactions", self.list_transactions),
            web.get(f"{_ISSUALS}/{{transaction_id}}", self.show_transaction),
            web.get(f"{_CORE}/v1/reward-transactions/{{transaction_id}}", self.show_transaction),
            web.get(f"{_CORE}/v1.1/reward-transactions/{{transaction_id}}", self.show_transaction),
            web.get("/_books", self.show_books),
            web.post("/_behaviour", self.change_behaviour),
            web.post("/_reset", self.reset),
        ]

    async def issue(self, request: web.Request) -> web.Response:
        """Serve one of the three issue endpoints."""
        order = read_order(await request.read(), request.match_info.get("reward_id"))
        books, behaviour = self.books, self.behaviour  # kept here, because a reset may replace them
        calls = books.note_call(order)
        fault = behaviour.fault_of(order.customer, order.reward_ids, calls)
        await asyncio.sleep(behaviour.latency_seconds + (fault.seconds if fault else 0))
        added: dict[str, int] = {}
        if fault is None or fault.commits or fault.kind == "plain":
            added = books.issue(order)
        shown = _all_units(order) if behaviour.replay == "original" else added
        answer = partial(issued, order, books.entries, shown)
        return self._wrap(deliver(request, fault, answer, single=order.single))

    def _wrap(self, response: web.Response) -> web.Response:
        """Add the header fields that an edge adds."""
        if self.behaviour.header_bytes:
            response.headers["Content-Security-Policy"] = "a" * self.behaviour.header_bytes
        for number in range(self.behaviour.headers):
            response.headers[f"X-Edge-{number}"] = "some value"
        return response

    async def look_up_customer(self, request: web.Request) -> web.Response:
        """Return a customer's id."""
        customer = request.query["identifierValue"]
        answer = {"entity": self.books.customer_id(customer), "warnings": []}
        return await self._read(request, lambda: answer)

    async def list_transactions(self, request: web.Request) -> web.Response:
        """List a customer's transactions."""
        customer = request.match_info.get("customer_id") or request.query["customerId"]
        found = self.books.issued_to(customer, request.query.get("rewardId"))
        number = int(request.query.get("page", "0"))
        return await self._read(request, lambda: transactions(list(found), number))

    async def show_transaction(self, request: web.Request) -> web.Response:
        """Show one transaction."""
        found = self.books.find(request.match_info["transaction_id"])
        return await self._read(request, lambda: detail(found, self._customer_of(found)))

    def _customer_of(self, entry: Entry | None) -> int | None:
        return None if entry is None else self.books.customer_id(entry.customer)

    async def _read(self, request: web.Request, body: Callable[[], Json]) -> web.Response:
        self.books.reads.append(time.time())
        await asyncio.sleep(self.behaviour.latency_seconds)
        return self._wrap(deliver(request, self.behaviour.reads, body))

    async def show_books(self, _request: web.Request) -> web.Response:
        """Return the stub's record of all calls."""
        return web.json_response(self.books.as_json())

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Change the named switches for later calls."""
        self.behaviour = self.behaviour.changed(await request.json())
        return web.json_response({})

    async def reset(self, _request: web.Request) -> web.Response:
        """Reset all switches and the record."""
        self.behaviour, self.books = Behaviour(), Books()
        return web.json_response({})
